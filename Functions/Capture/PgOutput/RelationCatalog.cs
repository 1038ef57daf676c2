using Npgsql;
using NpgsqlTypes;
using Serverless.Capture.Values;
using Serverless.Changes;

namespace Serverless.Capture.PgOutput;

/// <summary>
/// Completes what the stream says of a table with what only the catalog knows: the primary key, columns left out, their numbers, how types are written.
/// </summary>
/// <remarks>
/// The stream tells a past, the catalog the present. A table or type that is gone by now has no key, no unstreamed columns,
/// and values written as their text; a later relation message follows every later change of the table.
/// </remarks>
internal sealed class RelationCatalog(NpgsqlConnection connection, TypeCatalog types, int partitionCount)
{
    private const string ColumnsQuery = """
        select a.attname, a.attnum, coalesce(a.attnum = any(i.indkey), false), a.attgenerated <> ''
        from pg_attribute a
        left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
        where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
        order by a.attnum
        """;

    /// <param name="announced">What the relation message said.</param>
    /// <param name="message">The same with the identity that its rows have.</param>
    public async Task<StreamedRelation> DescribeAsync(RelationMessage announced, RelationMessage message, CancellationToken cancellationToken)
    {
        var present = await ReadColumnsAsync(message.Oid, cancellationToken);
        var numbers = NumbersOf(message, present);
        var columns = new Column[message.Columns.Count];
        var writers = new ColumnWriter[columns.Length];
        var conversion = new ServerConversionBuilder();
        for (var i = 0; i < columns.Length; i++)
        {
            var (name, typeOid, isKey) = message.Columns[i];
            var type = await types.FindAsync(typeOid, cancellationToken);
            var isPrimary = present.GetValueOrDefault(name).IsPrimary;
            columns[i] = new Column(name, typeOid, type.Name, message.Identity is ReplicaIdentity.Full or ReplicaIdentity.Nothing ? isPrimary : isKey)
            {
                IsPrimary = isPrimary,
                Number = numbers[i],
            };
            writers[i] = new ColumnWriter([.. JsonText.Encode(name), (byte)':'], columns[i].IsKey, type.Writer ?? conversion.Add(i, type));
        }

        var unstreamed = present.Keys.Except(message.Columns.Select(column => column.Name)).ToList();
        var relation = new Relation(message.Oid, message.Schema, message.Name, message.Identity, columns, unstreamed);
        return new StreamedRelation(announced, relation, TablePartition.Of(relation, partitionCount), writers, conversion.Build(connection));
    }

    // The stream's names are of the past and the catalog's numbers of the present. A name means the same in both unless columns were renamed in between: then they come in
    // another order, or one is gone and another is new. In doubt no number is given; the stream describes the table again before its next change.
    private static int?[] NumbersOf(RelationMessage message, OrderedDictionary<string, PresentColumn> present)
    {
        if (present.Count == 0)
        {
            return new int?[message.Columns.Count];
        }

        var numbers = message.Columns.Select(column => present.GetValueOrDefault(column.Name).Number).ToList();
        var known = numbers.Where(number => number > 0).ToList();
        var isReordered = !known.SequenceEqual(known.Order());
        var isNew = present.Any(column => !column.Value.IsGenerated && message.Columns.All(streamed => streamed.Name != column.Key));
        return [.. numbers.Select(number => isReordered || (isNew && known.Count < numbers.Count) ? 0 : number == 0 ? null : (int?)number)];
    }

    /// <summary>The table's present columns.</summary>
    private async Task<OrderedDictionary<string, PresentColumn>> ReadColumnsAsync(uint oid, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ColumnsQuery, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = oid, NpgsqlDbType = NpgsqlDbType.Oid });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var columns = new OrderedDictionary<string, PresentColumn>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            columns[reader.GetString(0)] = new PresentColumn(reader.GetInt16(1), reader.GetBoolean(2), reader.GetBoolean(3));
        }

        return columns;
    }

    private readonly record struct PresentColumn(int Number, bool IsPrimary, bool IsGenerated);
}
