using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Serverless.Database;

namespace Serverless.Subscriptions.Registry;

/// <summary>Reads from the registry what an earlier snapshot did not show.</summary>
/// <remarks>
/// A cursor over ids or times would pass over a registration that was numbered early and committed late. So rows carry the transaction that wrote them, and
/// those are read whose transaction the earlier snapshot did not see as over: begun since, or then in progress. That is exact, and a long
/// transaction elsewhere makes it no dearer.
/// </remarks>
internal sealed class RegistryReader(NpgsqlDataSource dataSource)
{
    private const string Begin = "begin isolation level repeatable read read only";

    private const string Horizon =
        "select pg_current_snapshot()::text, (select purged_through::text from serverless_realtime.registry_horizon)";

    private const string Changed =
        """
        select s.id, s.group_id, s.left_at is not null, g.definition
        from serverless_realtime.subscription s
        join serverless_realtime.subscription_group g on g.id = s.group_id
        where s.stamp >= $1 or s.stamp = any ($2)
        """;

    private const string Live =
        """
        select s.id, s.group_id, false, g.definition
        from serverless_realtime.subscription s
        join serverless_realtime.subscription_group g on g.id = s.group_id
        where s.left_at is null
        """;

    private const string Access =
        """
        select c.oid, c.relrowsecurity, array(
          select s.name
          from serverless_realtime.subscriber_role s
          join pg_roles r on r.rolname = s.name
          where has_schema_privilege(r.oid, c.relnamespace, 'USAGE') and has_table_privilege(r.oid, c.oid, 'SELECT'))
        from pg_class c
        where c.oid = any ($1)
        """;

    /// <summary>Reads in one snapshot. <paramref name="since"/> null reads all that is live.</summary>
    public async Task<RegistryReading> ReadAsync(PgSnapshot? since, IReadOnlyCollection<uint> tables, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Begin));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Horizon));
        batch.BatchCommands.Add(Subscriptions(since));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Access)
        {
            Parameters = { new() { Value = tables.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Oid } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var snapshot = PgSnapshot.Parse(reader.GetString(0));
        var purgedThrough = ulong.Parse(reader.GetString(1), NumberStyles.None, CultureInfo.InvariantCulture);
        await reader.NextResultAsync(cancellationToken);
        var rows = await ReadRowsAsync(reader, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var access = await ReadAccessAsync(reader, cancellationToken);
        return new RegistryReading(snapshot, purgedThrough, rows, access);
    }

    private static NpgsqlBatchCommand Subscriptions(PgSnapshot? since) => since is null
        ? new NpgsqlBatchCommand(Live)
        : new NpgsqlBatchCommand(Changed)
        {
            Parameters =
            {
                new() { Value = since.Xmax, NpgsqlDbType = NpgsqlDbType.Xid8 },
                new() { Value = since.InProgress, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Xid8 },
            },
        };

    private static async Task<List<RegistryRow>> ReadRowsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var rows = new List<RegistryRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new RegistryRow(reader.GetInt64(0), reader.GetInt64(1), reader.GetBoolean(2), reader.GetString(3)));
        }

        return rows;
    }

    private static async Task<Dictionary<uint, TableAccess>> ReadAccessAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var access = new Dictionary<uint, TableAccess>();
        while (await reader.ReadAsync(cancellationToken))
        {
            access[reader.GetFieldValue<uint>(0)] = new TableAccess(
                reader.GetBoolean(1), reader.GetFieldValue<string[]>(2).ToHashSet(StringComparer.Ordinal));
        }

        return access;
    }
}

/// <param name="PurgedThrough">Tombstones stamped up to here have been deleted.</param>
internal sealed record RegistryReading(
    PgSnapshot Snapshot, ulong PurgedThrough, IReadOnlyList<RegistryRow> Rows, IReadOnlyDictionary<uint, TableAccess> Access);
