using Npgsql;
using Serverless.Subscriptions;

namespace Serverless.Presence.Tables;

/// <summary>Looks a table up in the catalog.</summary>
internal static class PresenceTableReader
{
    private static readonly string[] _needed = ["user_id", "status", "last_seen"];

    private const string Columns =
        """
        select a.attname, format_type(a.atttypid, null), row_security_active(c.oid),
          has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'UPDATE')
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')
          and a.attname in ('user_id', 'status', 'last_seen', 'is_typing', 'typing_in_session')
        union all
        select null, null, row_security_active(c.oid), true
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')
        """;

    /// <returns>The table, or why it cannot be kept and what to do.</returns>
    public static async Task<(PresenceTable? Table, string? Problem)> ReadAsync(NpgsqlConnection connection, TableName name, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Columns, connection) { Parameters = { new() { Value = name.Schema }, new() { Value = name.Name } } };
        var types = new Dictionary<string, string>(StringComparer.Ordinal);
        var isThere = false;
        var isFiltered = false;
        var isGranted = true;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            isThere = true;
            isFiltered |= reader.GetBoolean(2);
            isGranted &= reader.GetBoolean(3);
            if (!reader.IsDBNull(0))
            {
                types.Add(reader.GetString(0), reader.GetString(1));
            }
        }

        var problem = isThere ? ProblemOf(name, types, isFiltered, isGranted) : $"there is no table '{name}'; create it, or take it out of the setting";
        return problem is null
            ? (new PresenceTable(name, types["user_id"], types["status"], types.GetValueOrDefault("is_typing") == "boolean", types.ContainsKey("typing_in_session")), null)
            : (null, problem);
    }

    private static string? ProblemOf(TableName name, Dictionary<string, string> types, bool isFiltered, bool isGranted)
    {
        if (_needed.FirstOrDefault(column => !types.ContainsKey(column)) is { } missing)
        {
            return $"table '{name}' has no column '{missing}'; add it";
        }

        if (!types["last_seen"].StartsWith("timestamp", StringComparison.Ordinal))
        {
            return $"column 'last_seen' of table '{name}' is of the type '{types["last_seen"]}'; make it 'timestamp with time zone'";
        }

        if (!isGranted)
        {
            return $"the service's user may not read and update table '{name}'; grant select, update on {SqlName.Of(name.Schema, name.Name)} to it";
        }

        return isFiltered ? $"row-level security of table '{name}' holds for the service's user, who would see no rows; let it own the table, or give it bypassrls" : null;
    }
}
