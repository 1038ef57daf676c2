using System.Buffers;
using Npgsql;
using NpgsqlTypes;
using Serverless.Changes;
using Serverless.Database;

namespace Serverless.ChangeLog;

/// <summary>The right to handle one partition, from <see cref="PartitionLeases.AcquireAsync"/> until it is disposed.</summary>
internal sealed class PartitionLease(NpgsqlConnection connection, string partition, int key, Guid instance, PartitionState? state) : IAsyncDisposable
{
    private const int PieceBytes = 512 * 1024;

    private bool _released;

    /// <summary>How far the partition had come when the lease began; null where nothing is known.</summary>
    public PartitionState? State { get; private set; } = state;

    /// <summary>Writes the changes that the log does not hold yet, and commits.</summary>
    /// <param name="epoch">The epoch of all of <paramref name="changes"/>.</param>
    /// <param name="changes">In order; those at or before the logged position are passed over.</param>
    public async Task LogAsync(string epoch, IReadOnlyList<RowChange> changes, CancellationToken cancellationToken)
    {
        var known = State is { } state && state.Epoch == epoch ? state : null;
        var fresh = known is null ? changes : [.. changes.Where(change => change.Position > known.Logged)];
        if (fresh.Count == 0)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(connection);
        var tables = fresh.GroupBy(change => (change.Relation.Schema, change.Relation.Name)).ToList();
        foreach (var table in tables)
        {
            foreach (var piece in Pieces(table))
            {
                batch.BatchCommands.Add(InsertRows(epoch, table.Key.Schema, table.Key.Name, piece));
            }
        }

        var last = fresh[^1].Position;
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            """
            insert into serverless_realtime.partition_state as p (partition, epoch, log_from, logged)
            values ($1, $2, $3, $4)
            on conflict (partition) do update set
              logged = excluded.logged,
              log_from = case when p.epoch = excluded.epoch then p.log_from else excluded.log_from end,
              sent = case when p.epoch = excluded.epoch then p.sent end,
              sender = case when p.epoch = excluded.epoch then p.sender end,
              epoch = excluded.epoch
            """)
        {
            Parameters =
            {
                new() { Value = partition }, new() { Value = epoch }, new() { Value = fresh[0].Position.ToString() }, new() { Value = last.ToString() },
            },
        });
        batch.BatchCommands.Add(LogAnnouncement.For(tables.Select(table => table.Key)));
        await batch.ExecuteNonQueryAsync(cancellationToken);
        State = new PartitionState(epoch, last, known?.Sent, known?.Sender);
    }

    /// <summary>From where on the log is complete: after a crash that emptied it, the position of the moment when that was noticed.</summary>
    public async Task<ChangePosition> ReadCompleteFromAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select serverless_realtime.log_complete_from()", connection);
        var from = (NpgsqlLogSequenceNumber)(await command.ExecuteScalarAsync(cancellationToken))!;
        return new ChangePosition(new Lsn((ulong)from), 0);
    }

    /// <summary>Records that everything up to <paramref name="sent"/> has been sent, and gives the partition up, in one round trip.</summary>
    public async Task CompleteAsync(ChangePosition sent, CancellationToken cancellationToken)
    {
        // Error barriers make two transactions of the two statements. In one, the next holder would get the lock before the update is committed, read
        // the old position, and send everything again.
        await using var batch = new NpgsqlBatch(connection)
        {
            EnableErrorBarriers = true,
            BatchCommands =
            {
                new NpgsqlBatchCommand("update serverless_realtime.partition_state set sent = $2, sender = $3 where partition = $1")
                {
                    Parameters = { new() { Value = partition }, new() { Value = sent.ToString() }, new() { Value = instance } },
                },
                Unlock(),
            },
        };
        await batch.ExecuteNonQueryAsync(cancellationToken);
        _released = true;
    }

    public async ValueTask DisposeAsync()
    {
        if (_released)
        {
            await connection.DisposeAsync();
            return;
        }

        await AdvisoryLocks.AbandonAsync(connection);
    }

    private NpgsqlBatchCommand Unlock() => new("select pg_advisory_unlock($1, $2)")
    {
        Parameters = { new() { Value = AdvisoryLocks.Partition }, new() { Value = key } },
    };

    // Whoever reads the log holds a row of it in memory.
    private static IEnumerable<IReadOnlyList<RowChange>> Pieces(IEnumerable<RowChange> changes)
    {
        var piece = new List<RowChange>();
        var bytes = 0;
        foreach (var change in changes)
        {
            piece.Add(change);
            bytes += (change.New?.Json.Length ?? 0) + (change.Old?.Json.Length ?? 0);
            if (bytes >= PieceBytes)
            {
                yield return piece;
                (piece, bytes) = ([], 0);
            }
        }

        if (piece.Count > 0)
        {
            yield return piece;
        }
    }

    private NpgsqlBatchCommand InsertRows(string epoch, string schema, string table, IReadOnlyList<RowChange> changes)
    {
        var body = new ArrayBufferWriter<byte>();
        ChangeBatchJson.Write(body, new ChangeBatch(epoch, changes));
        var last = changes[^1].Position;
        return new NpgsqlBatchCommand(
            """
            insert into serverless_realtime.change_log (epoch, partition, schema_name, table_name, last_lsn, last_index, changes, body)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            """)
        {
            Parameters =
            {
                new() { Value = epoch },
                new() { Value = partition },
                new() { Value = schema },
                new() { Value = table },
                new() { Value = new NpgsqlLogSequenceNumber(last.Commit.Value), NpgsqlDbType = NpgsqlDbType.PgLsn },
                new() { Value = last.Index },
                new() { Value = changes.Count },
                new() { Value = body.WrittenMemory, NpgsqlDbType = NpgsqlDbType.Bytea },
            },
        };
    }
}
