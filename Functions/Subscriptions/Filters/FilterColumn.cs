using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>A column as the catalogs have it: what the values of a filter on it depend on.</summary>
/// <param name="Type">The declared type's oid.</param>
/// <param name="Collation">The oid of the collation that it is compared in; 0 where the type has none.</param>
/// <param name="Labels">The labels of the enum beneath all domains; null where it is none.</param>
internal sealed record FilterColumn(string Name, uint Type, uint Collation, IReadOnlyList<string>? Labels)
{
    private const string Base =
        """
        with recursive base (attrelid, attnum, oid) as (
          select a.attrelid, a.attnum, a.atttypid from pg_attribute a where a.attrelid = any ($1) and a.attnum > 0 and not a.attisdropped
          union all
          select b.attrelid, b.attnum, t.typbasetype from base b join pg_type t on t.oid = b.oid where t.typtype = 'd'
        )

        """;

    /// <summary>
    /// A query with one parameter, tables' oids (<c>oid[]</c>), and the columns <c>table_oid</c> and <c>fingerprint</c>, which changes with the labels of the enums that the table's columns are of. No DDL on
    /// the table comes with those. A table without such columns is absent.
    /// </summary>
    public const string Fingerprints = Base +
        """
        select b.attrelid as table_oid, md5(string_agg(e.oid || ' ' || e.enumlabel, ',' order by e.oid)) as fingerprint
        from base b join pg_enum e on e.enumtypid = b.oid
        group by b.attrelid
        """;

    private const string Columns = Base +
        """
        select a.attname, a.atttypid, a.attcollation, case t.typtype when 'e' then array(select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid) end
        from base b
        join pg_type t on t.oid = b.oid and t.typtype <> 'd'
        join pg_attribute a on a.attrelid = b.attrelid and a.attnum = b.attnum
        """;

    /// <summary>How a filter's definition names a column that it reads: under another signature its values mean something else.</summary>
    public static string Signature(string name, uint type, uint collation) => string.Create(CultureInfo.InvariantCulture, $"{name}:{type}:{collation}");

    /// <summary>The columns of a table, as they are now.</summary>
    public static async Task<IReadOnlyList<FilterColumn>> ReadAsync(NpgsqlConnection connection, uint table, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Columns, connection)
        {
            Parameters = { new() { Value = new[] { table }, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Oid } },
        };
        var columns = new List<FilterColumn>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            columns.Add(new FilterColumn(
                reader.GetString(0), reader.GetFieldValue<uint>(1), reader.GetFieldValue<uint>(2), reader.IsDBNull(3) ? null : reader.GetFieldValue<string[]>(3)));
        }

        return columns;
    }

    /// <summary>Whether a filter that was made for some columns still means the same.</summary>
    /// <param name="relation">The table as the images have it. Where a column has another type by now, theirs counts.</param>
    /// <param name="signatures">Those of the columns that the filter reads, when it was made.</param>
    public static bool Fit(Relation relation, IReadOnlyList<FilterColumn> columns, IReadOnlyList<string> signatures, FilterNode filter) => signatures.All(signature =>
        relation.Columns.Any(column =>
            columns.FirstOrDefault(now => now.Name == column.Name && now.Type == column.TypeOid) is { } now
                ? signature == Signature(now.Name, now.Type, now.Collation) && HasLabels(now, filter)
                : signature.StartsWith(Signature(column.Name, column.TypeOid, 0)[..^1], StringComparison.Ordinal)));

    // A label that was renamed is found in no image any more, and nothing would ever say so.
    private static bool HasLabels(FilterColumn column, FilterNode filter)
    {
        if (column.Labels is null)
        {
            return true;
        }

        var tokens = column.Labels.Select(label => Encoding.UTF8.GetString(JsonText.Encode(label))).ToHashSet(StringComparer.Ordinal);
        return filter.Conditions.Where(condition => condition.Column == column.Name).SelectMany(condition => condition.EqualTo).All(tokens.Contains);
    }
}
