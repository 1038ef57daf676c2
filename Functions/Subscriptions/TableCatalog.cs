using Npgsql;

namespace Serverless.Subscriptions;

/// <summary>Looks tables up in PostgreSQL's catalogs, on behalf of a role.</summary>
internal static class TableCatalog
{
    private const string DescribeTable =
        """
        select
          c.relkind in ('r', 'p'),
          exists (select from pg_publication_tables p where p.pubname = $4 and p.schemaname = n.nspname and p.tablename = c.relname),
          c.relrowsecurity,
          c.relreplident = 'f',
          has_schema_privilege(r.oid, n.oid, 'USAGE') and has_table_privilege(r.oid, c.oid, 'SELECT')
        from pg_namespace n
        join pg_class c on c.relnamespace = n.oid
        join pg_roles r on r.rolname = $3
        where n.nspname = $1 and c.relname = $2
        """;

    private const string DescribeColumns =
        """
        with recursive base (attnum, oid) as (
          select a.attnum, a.atttypid
          from pg_attribute a
          join pg_class c on c.oid = a.attrelid
          join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped
          union all
          select b.attnum, t.typbasetype from base b join pg_type t on t.oid = b.oid where t.typtype = 'd'
        )
        select
          a.attname, format_type(b.oid, -1), t.typname, t.typtype = 'e',
          exists (select from pg_index i where i.indrelid = c.oid
                  and (case c.relreplident when 'i' then i.indisreplident else i.indisprimary end)
                  and a.attnum = any (i.indkey)),
          a.attgenerated <> '', a.attstorage <> 'p', coalesce(l.collisdeterministic, true)
        from base b
        join pg_type t on t.oid = b.oid and t.typtype <> 'd'
        join pg_class c on c.relname = $2
        join pg_namespace n on n.oid = c.relnamespace and n.nspname = $1
        join pg_attribute a on a.attrelid = c.oid and a.attnum = b.attnum
        left join pg_collation l on l.oid = a.attcollation
        order by a.attnum
        """;

    /// <summary>Describes one table; null where there is no such table, or the role may not know of it.</summary>
    public static async Task<TableDescription?> DescribeAsync(
        NpgsqlConnection connection, string publication, string schema, string table, string role, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(DescribeTable)
                {
                    Parameters = { new() { Value = schema }, new() { Value = table }, new() { Value = role }, new() { Value = publication } },
                },
                new NpgsqlBatchCommand(DescribeColumns) { Parameters = { new() { Value = schema }, new() { Value = table } } },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken) || !reader.GetBoolean(0))
        {
            return null;
        }

        var (published, rls, full, mayselect) = (reader.GetBoolean(1), reader.GetBoolean(2), reader.GetBoolean(3), reader.GetBoolean(4));
        await reader.NextResultAsync(cancellationToken);
        var columns = new List<ColumnDescription>();
        while (await reader.ReadAsync(cancellationToken))
        {
            columns.Add(new ColumnDescription(
                reader.GetString(0),
                reader.GetString(1),
                reader.GetString(2),
                reader.GetBoolean(3),
                reader.GetBoolean(4),
                reader.GetBoolean(5),
                reader.GetBoolean(6),
                reader.GetBoolean(7)));
        }

        return new TableDescription(schema, table, published, rls, full, mayselect, columns);
    }

    /// <summary>Whether the role exists, the schema does, and the slot has begun to keep changes.</summary>
    public static async Task<(bool Role, bool Schema, bool Slot)> ExistAsync(
        NpgsqlConnection connection, string role, string schema, string slot, CancellationToken cancellationToken)
    {
        // A slot is listed while it is still being made; it has a position only when it holds everything from there on.
        await using var command = new NpgsqlCommand(
            """
            select
              exists (select from pg_roles where rolname = $1),
              exists (select from pg_namespace where nspname = $2),
              $3 = '' or exists (select from pg_replication_slots where slot_name = $3 and confirmed_flush_lsn is not null)
            """,
            connection)
        {
            Parameters = { new() { Value = role }, new() { Value = schema }, new() { Value = slot } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetBoolean(0), reader.GetBoolean(1), reader.GetBoolean(2));
    }
}
