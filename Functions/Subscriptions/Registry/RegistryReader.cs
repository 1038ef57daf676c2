using Npgsql;
using NpgsqlTypes;
using Serverless.Database;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions.Registry;

/// <summary>Reads from the registry what an earlier snapshot did not show.</summary>
/// <remarks>
/// A cursor over ids or times would pass over a registration that was numbered early and committed late. So rows carry the transaction that wrote them, and
/// those are read whose transaction the earlier snapshot did not see as over: begun since, or then in progress. That is exact, and a long
/// transaction elsewhere makes it no dearer.
/// </remarks>
internal sealed class RegistryReader([FromKeyedServices(DatabaseServices.ForRegistry)] NpgsqlDataSource dataSource)
{
    private const string Begin = "begin isolation level repeatable read read only";

    private const string Snapshot = "select pg_current_snapshot()::text";

    private const string Columns =
        """
        select s.id, s.group_id, coalesce(g.number, g.id), s.left_at is not null, s.expires_at, g.definition, c.claims
        from serverless_realtime.subscription s
        join serverless_realtime.subscription_group g on g.id = s.group_id
        left join serverless_realtime.claim_set c on c.key = g.claims_key

        """;

    private const string Changed = Columns + "where s.stamp >= $1 or s.stamp = any ($2)";

    private const string Live = Columns + "where s.left_at is null";

    /// <summary>Reads in one snapshot. <paramref name="since"/> null reads all that is live.</summary>
    public async Task<RegistryReading> ReadAsync(PgSnapshot? since, IReadOnlyCollection<uint> tables, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Begin));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Snapshot));
        batch.BatchCommands.Add(Subscriptions(since));
        batch.BatchCommands.Add(OfTables(PolicyFingerprint.Query, tables));
        batch.BatchCommands.Add(OfTables(FilterColumn.Fingerprints, tables));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var snapshot = PgSnapshot.Parse(reader.GetString(0));
        await reader.NextResultAsync(cancellationToken);
        var rows = await ReadRowsAsync(reader, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var policies = await ReadFingerprintsAsync(reader, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        foreach (var (table, labels) in await ReadFingerprintsAsync(reader, cancellationToken))
        {
            if (policies.TryGetValue(table, out var policy))
            {
                policies[table] = policy + labels;
            }
        }

        return new RegistryReading(snapshot, rows, policies);
    }

    private static NpgsqlBatchCommand OfTables(string query, IReadOnlyCollection<uint> tables) => new(query)
    {
        Parameters = { new() { Value = tables.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Oid } },
    };

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
            rows.Add(new RegistryRow(
                reader.GetInt64(0),
                reader.GetInt64(1),
                reader.GetInt64(2),
                reader.GetBoolean(3),
                reader.GetDateTime(4),
                reader.GetString(5),
                reader.IsDBNull(6) ? null : reader.GetString(6)));
        }

        return rows;
    }

    private static async Task<Dictionary<uint, string>> ReadFingerprintsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var fingerprints = new Dictionary<uint, string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            fingerprints[reader.GetFieldValue<uint>(0)] = reader.GetString(1);
        }

        return fingerprints;
    }
}

internal sealed record RegistryReading(
    PgSnapshot Snapshot, IReadOnlyList<RegistryRow> Rows, IReadOnlyDictionary<uint, string> Policies);
