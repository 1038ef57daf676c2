using Npgsql;
using NpgsqlTypes;
using Serverless.Subscriptions.Policies.Reduction;

namespace Serverless.Subscriptions.Policies;

/// <summary>Reads what roles may see of tables.</summary>
internal static class PolicyCatalog
{
    // With an empty search path every name outside pg_catalog is written out in full.
    private const string Begin = "begin isolation level repeatable read read only";
    private const string QualifyNames = "set local search_path = ''";

    // PostgreSQL's check_enable_rls: the attribute BYPASSRLS is the role's own and not inherited, ownership is; FORCE binds the owner.
    private const string Tables =
        """
        select
          c.oid, r.rolname, n.nspname, c.relname,
          has_schema_privilege(r.oid, n.oid, 'USAGE'),
          has_table_privilege(r.oid, c.oid, 'SELECT'),
          c.relrowsecurity and not r.rolsuper and not r.rolbypassrls and (c.relforcerowsecurity or not pg_has_role(r.oid, c.relowner, 'USAGE')),
          array(select a.attname::text from pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')
                order by a.attnum)
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        cross join pg_roles r
        where c.oid = any ($1) and r.rolname = any ($2)
        """;

    private const string Columns =
        """
        with recursive base (attrelid, attnum, oid) as (
          select a.attrelid, a.attnum, a.atttypid from pg_attribute a where a.attrelid = any ($1) and a.attnum > 0 and not a.attisdropped
          union all
          select b.attrelid, b.attnum, t.typbasetype from base b join pg_type t on t.oid = b.oid where t.typtype = 'd'
        )
        select a.attrelid, a.attname, format_type(t.oid, -1),
          case when t.typnamespace = 'pg_catalog'::regnamespace then t.typname::text else format_type(t.oid, -1) end,
          t.typtype = 'e', a.atttypid <> t.oid, coalesce(l.collisdeterministic, true), a.attnum,
          not exists (
            with recursive part (oid) as (
              select t.oid
              union
              select unnest(array[p.typelem, p.typbasetype]) from part join pg_type p on p.oid = part.oid
            )
            select from part join pg_type p on p.oid = part.oid
            where p.typtype in ('c', 'p') or p.typname in ('int2vector', 'oidvector') or (p.typnamespace = 'pg_catalog'::regnamespace and p.typname like 'reg%')
              or (p.oid >= 16384 and exists (select from pg_cast c where c.castsource = p.oid and c.casttarget = 'json'::regtype)))
        from base b
        join pg_type t on t.oid = b.oid and t.typtype <> 'd'
        join pg_attribute a on a.attrelid = b.attrelid and a.attnum = b.attnum
        left join pg_collation l on l.oid = a.attcollation
        order by a.attrelid, a.attnum
        """;

    // A reference to the row as a whole leaves no trace in pg_depend, only in the stored expression, where it is column 0.
    private const string Policies =
        """
        select
          p.polrelid, p.polpermissive, pg_get_expr(p.polqual, p.polrelid),
          array(select r.rolname::text from pg_roles r where r.rolname = any ($2)
                and exists (select from unnest(p.polroles) m where m = 0 or pg_has_role(r.oid, m, 'USAGE'))),
          p.polqual::text ~ ':varattno 0 ',
          array(select a.attname::text from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
                and d.refobjid = p.polrelid and d.refobjsubid > 0 and not a.attisdropped),
          exists (select from pg_depend d
                  where d.classid = 'pg_policy'::regclass and d.objid = p.oid
                  and ((d.refclassid = 'pg_class'::regclass and d.refobjid <> p.polrelid)
                    or (d.refclassid = 'pg_proc'::regclass and d.refobjid not in (
                      select f.oid from pg_proc f join pg_namespace n on n.oid = f.pronamespace
                      where n.nspname = 'auth' and f.proname in ('uid', 'role', 'jwt', 'email')))))
        from pg_policy p
        where p.polrelid = any ($1) and p.polcmd in ('r', '*') and p.polqual is not null
        order by p.polrelid, p.polname
        """;

    private const string Functions =
        """
        select f.proname, format_type(f.prorettype, null), f.prosrc, f.oid || ' ' || f.xmin
        from pg_proc f
        join pg_namespace n on n.oid = f.pronamespace
        join pg_language l on l.oid = f.prolang
        where n.nspname = 'auth' and f.pronargs = 0 and l.lanname in ('sql', 'plpgsql')
          and f.prosqlbody is null and not f.prosecdef and not f.proretset and f.provolatile <> 'i'
        """;

    // Casts of one value to the same result at any time: by a function or an input and an output that are immutable. Labels of enums are not, but the fingerprint
    // changes with them. Between texts and other types there need not be an entry.
    private const string Casts =
        """
        select format_type(c.castsource, -1), format_type(c.casttarget, -1), c.castmethod = 'b' or f.provolatile = 'i'
        from pg_cast c left join pg_proc f on f.oid = c.castfunc
        where c.castmethod in ('b', 'f')
        union all
        select 'text', format_type(t.oid, -1), f.provolatile = 'i' or t.typtype = 'e'
        from pg_type t join pg_proc f on f.oid = t.typinput
        where t.typtype in ('b', 'e') and t.typelem = 0 and not exists (select from pg_cast c where c.castsource = 'text'::regtype and c.casttarget = t.oid)
        union all
        select format_type(t.oid, -1), 'text', f.provolatile = 'i' or t.typtype = 'e'
        from pg_type t join pg_proc f on f.oid = t.typoutput
        where t.typtype in ('b', 'e') and t.typelem = 0 and not exists (select from pg_cast c where c.castsource = t.oid and c.casttarget = 'text'::regtype)
        """;

    /// <summary>Reads the policies of tables for roles; a table or role that does not exist is absent from the answer.</summary>
    /// <param name="connection">Open, and in no transaction.</param>
    public static async Task<IReadOnlyDictionary<(uint Table, string Role), TablePolicy>> ReadAsync(
        NpgsqlConnection connection, IReadOnlyCollection<uint> tables, IReadOnlyCollection<string> roles, CancellationToken cancellationToken)
    {
        uint[] oids = [.. tables];
        string[] names = [.. roles];
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(Begin),
                new NpgsqlBatchCommand(QualifyNames),
                Command(PolicyFingerprint.Query, oids),
                Command(Functions),
                Command(Casts),
                Command(Columns, oids),
                Command(Policies, oids, names),
                Command(Tables, oids, names),
                new NpgsqlBatchCommand("commit"),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var catalog = new PolicyCatalogReading(
            await ReadFingerprintsAsync(reader, cancellationToken),
            await ReadFunctionsAsync(reader, cancellationToken),
            await ReadCastsAsync(reader, cancellationToken),
            await ReadColumnsAsync(reader, cancellationToken),
            await ReadPoliciesAsync(reader, cancellationToken));
        var policies = new Dictionary<(uint, string), TablePolicy>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var access = new TableRights(
                reader.GetFieldValue<uint>(0),
                reader.GetString(1),
                reader.GetString(2),
                reader.GetString(3),
                reader.GetBoolean(4),
                reader.GetBoolean(5),
                reader.GetBoolean(6),
                reader.GetFieldValue<string[]>(7));
            policies[(access.Table, access.Role)] = catalog.PolicyFor(access);
        }

        return policies;
    }

    private static NpgsqlBatchCommand Command(string sql, uint[]? tables = null, string[]? roles = null)
    {
        var command = new NpgsqlBatchCommand(sql);
        if (tables is not null)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = tables, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Oid });
        }

        if (roles is not null)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = roles });
        }

        return command;
    }

    private static async Task<Dictionary<uint, string>> ReadFingerprintsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var fingerprints = new Dictionary<uint, string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            fingerprints[reader.GetFieldValue<uint>(0)] = reader.GetString(1);
        }

        await reader.NextResultAsync(cancellationToken);
        return fingerprints;
    }

    private static async Task<Dictionary<string, ClaimFunction>> ReadFunctionsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var types = new Dictionary<string, ClaimFunction>(StringComparer.Ordinal);
        var bodies = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            types[reader.GetString(0)] = new ClaimFunction(reader.GetString(1), reader.GetString(3));
            bodies[reader.GetString(0)] = reader.GetString(2);
        }

        await reader.NextResultAsync(cancellationToken);
        return ClaimFunctions.Among(bodies).ToDictionary(name => name, name => types[name], StringComparer.Ordinal);
    }

    private static async Task<FixedCasts> ReadCastsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var casts = new HashSet<(string, string)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetBoolean(2))
            {
                casts.Add((reader.GetString(0), reader.GetString(1)));
            }
        }

        await reader.NextResultAsync(cancellationToken);
        return new FixedCasts(casts);
    }

    private static async Task<ILookup<uint, PolicyColumn>> ReadColumnsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var columns = new List<(uint Table, PolicyColumn Column)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            columns.Add((
                reader.GetFieldValue<uint>(0),
                new PolicyColumn(
                    reader.GetString(1),
                    reader.GetString(2),
                    reader.GetString(3),
                    reader.GetBoolean(4),
                    reader.GetBoolean(5),
                    reader.GetBoolean(6))
                {
                    Number = reader.GetInt16(7),
                    IsRebuilt = reader.GetBoolean(8),
                }));
        }

        await reader.NextResultAsync(cancellationToken);
        return columns.ToLookup(pair => pair.Table, pair => pair.Column);
    }

    private static async Task<ILookup<uint, PolicyRow>> ReadPoliciesAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var rows = new List<(uint Table, PolicyRow Row)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add((
                reader.GetFieldValue<uint>(0),
                new PolicyRow(
                    reader.GetBoolean(1),
                    reader.GetString(2),
                    reader.GetFieldValue<string[]>(3),
                    reader.GetBoolean(4),
                    reader.GetFieldValue<string[]>(5),
                    reader.GetBoolean(6))));
        }

        await reader.NextResultAsync(cancellationToken);
        return rows.ToLookup(pair => pair.Table, pair => pair.Row);
    }
}
