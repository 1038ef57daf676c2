using Npgsql;
using Serverless.Changes;

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
          case c.relkind when 'p' then (
            select coalesce(bool_and(l.relreplident = 'f'), false) from pg_partition_tree(c.oid) p join pg_class l on l.oid = p.relid where p.isleaf)
          else c.relreplident = 'f' end,
          has_schema_privilege(r.oid, n.oid, 'USAGE') and has_table_privilege(r.oid, c.oid, 'SELECT'),
          getdatabaseencoding() = 'UTF8', c.oid,
          coalesce((select p.pubinsert from pg_publication p where p.pubname = $4), true),
          coalesce((select p.pubupdate from pg_publication p where p.pubname = $4), true),
          coalesce((select p.pubdelete from pg_publication p where p.pubname = $4), true),
          exists (select from pg_publication_tables p
                  where p.pubname = $4 and p.schemaname = n.nspname and p.tablename = c.relname and to_jsonb(p) ->> 'rowfilter' is not null),
          c.relkind = 'p' and exists (
            select from pg_partition_tree(c.oid) t
            join pg_class l on l.oid = t.relid
            join pg_namespace ln on ln.oid = l.relnamespace
            join pg_publication_tables p on p.pubname = $4 and p.schemaname = ln.nspname and p.tablename = l.relname
            where t.relid <> c.oid),
          (select quote_ident(an.nspname) || '.' || quote_ident(ac.relname)
           from pg_partition_ancestors(c.oid) t
           join pg_class ac on ac.oid = t.relid
           join pg_namespace an on an.oid = ac.relnamespace
           join pg_publication_tables p on p.pubname = $4 and p.schemaname = an.nspname and p.tablename = ac.relname
           where t.relid <> c.oid
           limit 1),
          array(
            with recursive heirs (oid) as (
              select i.inhrelid from pg_inherits i where i.inhparent = c.oid and c.relkind = 'r'
              union
              select i.inhrelid from pg_inherits i join heirs h on h.oid = i.inhparent)
            select case when has_schema_privilege(r.oid, h.relnamespace, 'USAGE') and has_table_privilege(r.oid, h.oid, 'SELECT')
              then quote_ident(hn.nspname) || '.' || quote_ident(h.relname) else '' end
            from heirs join pg_class h on h.oid = heirs.oid join pg_namespace hn on hn.oid = h.relnamespace
            order by hn.nspname, h.relname),
          case c.relkind when 'p' then array(
            select quote_ident(ln.nspname) || '.' || quote_ident(l.relname)
            from pg_partition_tree(c.oid) p join pg_class l on l.oid = p.relid join pg_namespace ln on ln.oid = l.relnamespace
            where p.isleaf and l.relreplident <> 'f' order by p.relid limit 100)
          else '{}'::text[] end
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
          a.attname, format_type(b.oid, -1),
          case when t.typnamespace = 'pg_catalog'::regnamespace then t.typname::text else quote_ident(tn.nspname) || '.' || quote_ident(t.typname) end,
          t.typtype = 'e',
          case c.relkind when 'p' then (
            -- A partition logs by its own identity.
            select coalesce(bool_and(l.relreplident = 'f' or exists (
              select from pg_index i join pg_attribute k on k.attrelid = l.oid and k.attnum = any (i.indkey)
              where i.indrelid = l.oid and (case l.relreplident when 'i' then i.indisreplident else i.indisprimary end) and k.attname = a.attname)), false)
            from pg_partition_tree(c.oid) p join pg_class l on l.oid = p.relid where p.isleaf)
          else exists (select from pg_index i where i.indrelid = c.oid
                  and (case c.relreplident when 'i' then i.indisreplident else i.indisprimary end)
                  and a.attnum = any (i.indkey)) end,
          a.attgenerated <> '', a.attstorage <> 'p', coalesce(l.collisdeterministic, true),
          quote_ident(tn.nspname) || '.' || quote_ident(t.typname),
          t.typcategory,
          quote_ident(ln.nspname) || '.' || quote_ident(l.collname),
          coalesce(getdatabaseencoding() = 'UTF8' and case l.collprovider
            when 'c' then l.collcollate in ('C', 'POSIX')
            when 'b' then true
            when 'd' then case coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') when 'c' then d.datcollate in ('C', 'POSIX') when 'b' then true end
          end, false),
          coalesce((
            select bool_or(coalesce(to_jsonb(p) -> 'attnames' ? a.attname, true))
            from pg_publication_tables p
            where p.pubname = $4 and p.schemaname = $1 and p.tablename = $2), true),
          coalesce(has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT'), false), a.atttypid, a.attcollation,
          exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey))
        from base b
        join pg_type t on t.oid = b.oid and t.typtype <> 'd'
        join pg_class c on c.relname = $2
        join pg_namespace n on n.oid = c.relnamespace and n.nspname = $1
        join pg_attribute a on a.attrelid = c.oid and a.attnum = b.attnum
        join pg_namespace tn on tn.oid = t.typnamespace
        join pg_database d on d.datname = current_database()
        left join pg_collation l on l.oid = a.attcollation
        left join pg_namespace ln on ln.oid = l.collnamespace
        left join pg_roles r on r.rolname = $3
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
                new NpgsqlBatchCommand(DescribeColumns)
                {
                    Parameters = { new() { Value = schema }, new() { Value = table }, new() { Value = role }, new() { Value = publication } },
                },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken) || !reader.GetBoolean(0))
        {
            return null;
        }

        var (published, rls, full, mayselect) = (reader.GetBoolean(1), reader.GetBoolean(2), reader.GetBoolean(3), reader.GetBoolean(4));
        var isUtf8 = reader.GetBoolean(5);
        var oid = reader.GetFieldValue<uint>(6);
        var kinds = new[] { (ChangeKind.Insert, 7), (ChangeKind.Update, 8), (ChangeKind.Delete, 9) };
        var unpublished = kinds.Where(kind => !reader.GetBoolean(kind.Item2)).Select(kind => kind.Item1).ToList();
        var isFiltered = reader.GetBoolean(10);
        var partitionsArePublished = reader.GetBoolean(11);
        var publishedAncestor = reader.IsDBNull(12) ? null : reader.GetString(12);
        var heirs = reader.GetFieldValue<string[]>(13);
        var partitions = reader.GetFieldValue<string[]>(14);
        await reader.NextResultAsync(cancellationToken);
        var columns = new List<ColumnDescription>();
        while (await reader.ReadAsync(cancellationToken))
        {
            columns.Add(ReadColumn(reader));
        }

        return new TableDescription(schema, table, published, rls, full, mayselect, columns)
        {
            IsUtf8 = isUtf8,
            Oid = oid,
            Unpublished = unpublished,
            HasRowFilter = isFiltered,
            PartitionsArePublished = partitionsArePublished,
            PublishedAncestor = publishedAncestor,
            Heirs = heirs,
            PartitionsWithKeys = partitions,
        };
    }

    private static ColumnDescription ReadColumn(NpgsqlDataReader reader) => new(
        reader.GetString(0),
        reader.GetString(1),
        reader.GetString(2),
        reader.GetBoolean(3),
        reader.GetBoolean(4),
        reader.GetBoolean(5),
        reader.GetBoolean(6),
        reader.GetBoolean(7))
    {
        SqlType = reader.GetString(8),
        Category = reader.GetFieldValue<char>(9),
        Collation = reader.IsDBNull(10) ? null : reader.GetString(10),
        IsByteOrdered = reader.GetBoolean(11),
        IsStreamed = reader.GetBoolean(12),
        RoleMaySelect = reader.GetBoolean(13),
        TypeOid = reader.GetFieldValue<uint>(14),
        CollationOid = reader.GetFieldValue<uint>(15),
        IsPrimary = reader.GetBoolean(16),
    };

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
