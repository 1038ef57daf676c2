using Microsoft.Extensions.Options;
using Npgsql;
using Npgsql.Replication;
using NpgsqlTypes;
using Serverless.Bus;
using Serverless.Capture.PgOutput;
using Serverless.Capture.Values;
using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>How a session that did not fail came to nothing.</summary>
internal enum SessionOutcome
{
    /// <summary>Another process streams.</summary>
    LeaseHeldElsewhere,

    /// <summary>There is no publication yet. A slot made before it could never be read: the server looks for it as of each change.</summary>
    PublicationMissing,

    /// <summary>The server ended the stream in good order.</summary>
    Ended,
}

/// <summary>
/// One session: takes the lease, prepares the slot, streams until something ends it. It leaves behind a confirmed position up to which everything is
/// safe, and batches beyond it that the next session repeats with the same positions.
/// </summary>
internal sealed partial class CaptureSession(
    CaptureConnections connections,
    IChangeBus bus,
    ChangeFeed feed,
    IOptions<CaptureOptions> options,
    TimeProvider time,
    ILogger<CaptureSession> logger)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);

    private readonly CaptureOptions _options = options.Value;

    /// <exception cref="NpgsqlException">A connection failed or the server refused something.</exception>
    /// <exception cref="CaptureException">Somebody must change something.</exception>
    public async Task<SessionOutcome> RunAsync(CancellationToken cancellationToken)
    {
        await using var lease = await CaptureLease.TryAcquireAsync(connections, _options.Slot, cancellationToken);
        if (lease is null)
        {
            feed.SetStreaming(false);
            return SessionOutcome.LeaseHeldElsewhere;
        }

        await using var catalog = await connections.OpenAsync(cancellationToken);
        if (!await PublicationExistsAsync(catalog, cancellationToken))
        {
            return SessionOutcome.PublicationMissing;
        }

        var slot = new ReplicationSlot(catalog, _options.Slot, time, logger);
        try
        {
            await StreamAsync(lease, catalog, slot, cancellationToken);
        }
        catch (PostgresException ex) when (ex is { SqlState: PostgresErrorCodes.UndefinedObject, Routine: "get_publication_oid" })
        {
            await AbandonUnreadableAsync(slot, ex, cancellationToken);
        }

        return SessionOutcome.Ended;
    }

    private async Task StreamAsync(CaptureLease lease, NpgsqlConnection catalog, ReplicationSlot slot, CancellationToken cancellationToken)
    {
        var replication = await connections.OpenReplicationAsync(cancellationToken);
        try
        {
            await StreamAsync(lease, catalog, slot, replication, cancellationToken);
        }
        finally
        {
            await Disposal.WithinLimitAsync(replication, time);
        }
    }

    private async Task StreamAsync(
        CaptureLease lease, NpgsqlConnection catalog, ReplicationSlot slot, LogicalReplicationConnection replication, CancellationToken cancellationToken)
    {
        var (epoch, confirmed) = await slot.PrepareAsync(replication, cancellationToken);
        replication.WalReceiverStatusInterval = _options.ConfirmEvery;

        var types = new TypeCatalog(catalog);
        var window = new PublishWindow(_options.OutstandingBatches, _options.OutstandingBytes);
        var decoder = new ChangeDecoder(new RelationCatalog(catalog, types, bus.PartitionCount), types);
        var stream = new CaptureStream(replication, decoder, new ChangePacker(bus, window, _options, epoch), window, time);
        feed.SetStreaming(true);
        Log.Streaming(logger, _options.Slot, epoch);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await RunUntilFirstEndsAsync(
            stop,
            stream.RunAsync(_options, stop.Token),
            lease.WatchAsync(_options.Slot, time, stop.Token),
            ConfirmAsync(replication, window, epoch, confirmed, stop.Token),
            window.Failed.WaitAsync(stop.Token));
    }

    // The others are stopped and waited for, so that nothing of this session goes on when the next one begins. One that waits for a stream which has ended unnoticed may never stop, and can do
    // no more than that: what it would hand on is cancelled.
    private async Task RunUntilFirstEndsAsync(CancellationTokenSource stop, params Task[] parts)
    {
        var first = await Task.WhenAny(parts);
        await Task.WhenAll([stop.CancelAsync(), .. parts]).WaitAsync(_limit, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }

    /// <summary>
    /// Tells the slot, now and then, how far everything is safe. When nothing is unfinished that is as far as the stream has come, so that
    /// writes to other tables do not pin WAL. The connection sends it at the same interval.
    /// </summary>
    /// <param name="confirmed">Where the slot stands. A transaction that began before it and is streamed now must not take it back there.</param>
    private async Task ConfirmAsync(ReplicationConnection replication, PublishWindow window, string epoch, Lsn confirmed, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(_options.ConfirmEvery, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            var confirmable = window.Confirmable(new Lsn((ulong)replication.LastReceivedLsn));
            if (confirmable > confirmed)
            {
                confirmed = confirmable;
                replication.SetReplicationStatus(new NpgsqlLogSequenceNumber(confirmed.Value));
                feed.SetProgress(new FeedProgress(epoch, confirmed));
            }
        }
    }

    private async Task<bool> PublicationExistsAsync(NpgsqlConnection catalog, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select exists (select from pg_publication where pubname = $1)", catalog);
        command.Parameters.AddWithValue(_options.Publication);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>
    /// The publication exists, and yet not for the server: it was dropped and made again, and the slot stands before a change from when there
    /// was none. No session could ever read past that.
    /// </summary>
    private async Task AbandonUnreadableAsync(ReplicationSlot slot, PostgresException cause, CancellationToken cancellationToken)
    {
        Log.SlotUnreadable(logger, _options.Slot, _options.Publication, cause.MessageText);
        await slot.DropAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(2020, LogLevel.Information, "Streaming changes from replication slot '{Slot}', epoch {Epoch}.")]
        public static partial void Streaming(ILogger logger, string slot, string epoch);

        [LoggerMessage(2021, LogLevel.Warning,
            "Replication slot '{Slot}' cannot be read past changes that were made while publication '{Publication}' did not exist ({Reason}). "
            + "A new slot is made; changes in between are lost to subscribers.")]
        public static partial void SlotUnreadable(ILogger logger, string slot, string publication, string reason);
    }
}
