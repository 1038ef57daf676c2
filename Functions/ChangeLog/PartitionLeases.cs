using Npgsql;
using Serverless.Changes;
using Serverless.Database;

namespace Serverless.ChangeLog;

/// <summary>Gives out the right to handle a partition: to one holder at a time among all instances.</summary>
internal sealed class PartitionLeases([FromKeyedServices(DatabaseServices.ForLeases)] NpgsqlDataSource dataSource)
{
    /// <summary>Names this process in <see cref="PartitionState.Sender"/>.</summary>
    public Guid Instance { get; } = Guid.NewGuid();

    /// <summary>Waits for the partition and reads how far it has come.</summary>
    /// <remarks>The lock and the read are two statements, each with a snapshot of its own, so that what the last holder wrote is seen.</remarks>
    public async Task<PartitionLease> AcquireAsync(string partition, CancellationToken cancellationToken)
    {
        var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            var key = AdvisoryLocks.Hash(partition);
            await using var batch = new NpgsqlBatch(connection)
            {
                BatchCommands =
                {
                    new NpgsqlBatchCommand("select pg_advisory_lock($1, $2)")
                    {
                        Parameters = { new() { Value = AdvisoryLocks.Partition }, new() { Value = key } },
                    },
                    new NpgsqlBatchCommand("select epoch, logged, sent, sender from serverless_realtime.partition_state where partition = $1")
                    {
                        Parameters = { new() { Value = partition } },
                    },
                },
            };
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            var state = await reader.ReadAsync(cancellationToken) ? ReadState(reader) : null;
            return new PartitionLease(connection, partition, key, Instance, state);
        }
        catch
        {
            // The lock may have been granted while we were giving up.
            await AdvisoryLocks.AbandonAsync(connection);
            throw;
        }
    }

    /// <summary>Waits until every partition that is held now has been given up: whatever was being sent when this was called has been sent, or will be judged anew.</summary>
    /// <remarks>PostgreSQL grants locks in the order of asking, so each is waited for once, however busy the partition is.</remarks>
    public async Task WaitForHoldersAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            foreach (var key in await ReadHeldAsync(connection, cancellationToken))
            {
                await using var command = new NpgsqlCommand("select pg_advisory_lock_shared($1, $2), pg_advisory_unlock_shared($1, $2)", connection)
                {
                    Parameters = { new() { Value = AdvisoryLocks.Partition }, new() { Value = key } },
                };
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
        }
        finally
        {
            await AdvisoryLocks.AbandonAsync(connection);
        }
    }

    private static async Task<List<int>> ReadHeldAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            select objid from pg_locks
            where locktype = 'advisory' and mode = 'ExclusiveLock' and granted and objsubid = 2 and classid = $1::bigint::oid
              and database = (select oid from pg_database where datname = current_database())
            """,
            connection)
        {
            Parameters = { new() { Value = (long)AdvisoryLocks.Partition } },
        };
        var held = new List<int>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            held.Add(unchecked((int)reader.GetFieldValue<uint>(0)));
        }

        return held;
    }

    private static PartitionState ReadState(NpgsqlDataReader reader) => new(
        reader.GetString(0),
        Position(reader.GetString(1)),
        reader.IsDBNull(2) ? null : Position(reader.GetString(2)),
        reader.IsDBNull(3) ? null : reader.GetGuid(3));

    private static ChangePosition Position(string text) =>
        ChangePosition.TryParse(text, out var position)
            ? position
            : throw new FormatException($"serverless_realtime.partition_state holds '{text}', which is not a position.");
}
