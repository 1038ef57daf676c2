using System.Globalization;
using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.Internal;
using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>Our permanent slot: made where it is missing or no longer of use, freed where a predecessor's walsender still has it.</summary>
/// <param name="connection">A connection of the lease's holder; nobody else may change the slot.</param>
internal sealed partial class ReplicationSlot(NpgsqlConnection connection, string slot, TimeProvider time, ILogger logger)
{
    private const string Plugin = "pgoutput";
    private const string TerminateQuery =
        "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1 and active_pid is not null";

    // Creating a slot waits for every transaction that is running; one that runs for longer is waited for by the next session.
    private static readonly TimeSpan _creationLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _releaseLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _releasePoll = TimeSpan.FromMilliseconds(20);

    /// <summary>Makes the slot ready to stream from.</summary>
    public async Task<PreparedSlot> PrepareAsync(LogicalReplicationConnection replication, CancellationToken cancellationToken)
    {
        var state = await FindAsync(cancellationToken);
        if (state is { Plugin: not Plugin })
        {
            throw new CaptureException(
                $"Replication slot '{slot}' exists with output plugin '{state.Plugin}'; expected '{Plugin}'. "
                + "Set Capture:Slot to another name, or drop that slot.");
        }

        if (state is { InThisDatabase: false })
        {
            throw new CaptureException($"Replication slot '{slot}' belongs to another database of this server. Set Capture:Slot to another name.");
        }

        await ReleaseAsync(cancellationToken);
        if (state is { IsLost: true })
        {
            Log.SlotLost(logger, slot);
            await DropAsync(cancellationToken);
        }

        if (state is null or { IsLost: true })
        {
            await CreateAsync(replication, cancellationToken);
        }

        var system = await replication.IdentifySystem(cancellationToken);
        var generation = await GenerationAsync(cancellationToken);
        var epoch = string.Create(CultureInfo.InvariantCulture, $"{system.SystemId}-{system.Timeline}-{generation}");
        await ExecuteAsync("update serverless_realtime.capture_slot set epoch = $2, streamed_at = now() where slot_name = $1", cancellationToken, epoch);
        var confirmed = await ExecuteAsync("select confirmed_flush_lsn::text from pg_replication_slots where slot_name = $1", cancellationToken);
        return new PreparedSlot(epoch, Lsn.Parse((string)confirmed!));
    }

    /// <summary>Drops the slot, so that the next session makes a new one and with it a new epoch.</summary>
    public async Task DropAsync(CancellationToken cancellationToken)
    {
        await ReleaseAsync(cancellationToken);
        await ExecuteAsync("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1", cancellationToken);
    }

    /// <summary>Ends a walsender that streams from the slot: a predecessor's, half open or slow to notice that it lost the lease.</summary>
    private async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_releaseLimit, time);
        while (await ExecuteAsync(TerminateQuery, cancellationToken) is not null)
        {
            if (limit.IsCancellationRequested)
            {
                throw new CaptureException(
                    $"Replication slot '{slot}' is still in use {_releaseLimit.TotalSeconds:0} seconds after its walsender was told to end.");
            }

            await Task.Delay(_releasePoll, time, cancellationToken);
        }
    }

    private async Task CreateAsync(LogicalReplicationConnection replication, CancellationToken cancellationToken)
    {
        // The generation grows first: a crash in between costs a number, the other order would continue an epoch across a hole. It is one above every
        // other slot's, since a slot under another name begins another history too.
        await ExecuteAsync(
            """
            insert into serverless_realtime.capture_slot (slot_name, generation)
            values ($1, 1 + (select coalesce(max(generation), 0) from serverless_realtime.capture_slot))
            on conflict (slot_name) do update set generation = excluded.generation
            """,
            cancellationToken);
        replication.CommandTimeout = _creationLimit;
        await replication.CreateLogicalReplicationSlot(
            slot, Plugin, isTemporary: false, LogicalSlotSnapshotInitMode.NoExport, cancellationToken: cancellationToken);
        Log.SlotCreated(logger, slot);
    }

    private async Task<int> GenerationAsync(CancellationToken cancellationToken)
    {
        await ExecuteAsync(
            "insert into serverless_realtime.capture_slot (slot_name, generation) values ($1, 1) on conflict (slot_name) do nothing",
            cancellationToken);
        return (int)(await ExecuteAsync("select generation from serverless_realtime.capture_slot where slot_name = $1", cancellationToken))!;
    }

    private async Task<SlotState?> FindAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            select coalesce(plugin, 'none: it is a physical slot'),
                   coalesce(database = current_database(), false),
                   coalesce(wal_status = 'lost', false)
            from pg_replication_slots where slot_name = $1
            """,
            connection);
        command.Parameters.AddWithValue(slot);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new SlotState(reader.GetString(0), reader.GetBoolean(1), reader.GetBoolean(2))
            : null;
    }

    private async Task<object?> ExecuteAsync(string query, CancellationToken cancellationToken, string? further = null)
    {
        await using var command = new NpgsqlCommand(query, connection);
        command.Parameters.AddWithValue(slot);
        if (further is not null)
        {
            command.Parameters.AddWithValue(further);
        }

        return await command.ExecuteScalarAsync(cancellationToken);
    }

    /// <param name="IsLost">
    /// The server has removed WAL that the slot needs (<c>max_slot_wal_keep_size</c>); it can never be streamed from again.
    /// </param>
    private sealed record SlotState(string Plugin, bool InThisDatabase, bool IsLost);

    private static partial class Log
    {
        [LoggerMessage(2010, LogLevel.Information, "Replication slot '{Slot}' was created; changes are captured from now on.")]
        public static partial void SlotCreated(ILogger logger, string slot);

        [LoggerMessage(2011, LogLevel.Warning,
            "The server has given up replication slot '{Slot}', since it held more WAL than max_slot_wal_keep_size allows. "
            + "A new one is made; changes in between are lost to subscribers.")]
        public static partial void SlotLost(ILogger logger, string slot);
    }
}

/// <param name="Epoch">Of the positions that the slot gives.</param>
/// <param name="Confirmed">Up to where everything was safe when the slot was prepared.</param>
internal sealed record PreparedSlot(string Epoch, Lsn Confirmed);
