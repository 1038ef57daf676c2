using System.Collections.Concurrent;
using Serverless.ChangeLog;
using Serverless.Changes;
using Serverless.Delivery;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions.FanOut;

/// <summary>The change function: logs a partition's changes, finds who wants them, and sends each group its own.</summary>
/// <remarks>
/// The order of the steps is what the promises rest on. Logged and committed before the registry is read, so that a joining client finds a change in the log or
/// is found by it. The registry read after the batch has arrived, so that whoever was told SUBSCRIBED before the commit is in it. Judged only when
/// the batch's transactions are visible to the snapshot that is judged by. The partition is held all the while, against a second sender.
/// </remarks>
internal sealed partial class ChangeFanOut(
    PartitionLeases leases,
    RegistryRefresher registry,
    ChangeMatcher matcher,
    IRealtimeDelivery delivery,
    TimeProvider time,
    ILogger<ChangeFanOut> logger) : IChangeSink
{
    private const string Target = "postgres_changes";
    private const int SendsAtOnce = 32;

    /// <summary>Changes are packed into messages of this size; a change that is larger travels alone.</summary>
    /// <remarks>Azure SignalR ends connections for which more than 1 MB waits, so a message must leave room for its neighbours.</remarks>
    private const int PackedBytes = 128 * 1024;

    private static readonly TimeSpan _firstVisibilityWait = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan _longestVisibilityWait = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, PartitionMemory> _memories = new(StringComparer.Ordinal);

    public async Task HandleAsync(string partition, IReadOnlyList<ChangeBatch> batches, CancellationToken cancellationToken)
    {
        for (var i = 0; i < batches.Count;)
        {
            var epoch = batches[i].Epoch;
            var changes = new List<RowChange>();
            for (; i < batches.Count && batches[i].Epoch == epoch; i++)
            {
                changes.AddRange(batches[i].Changes);
            }

            await HandleEpochAsync(partition, epoch, changes, cancellationToken);
        }
    }

    private async Task HandleEpochAsync(string partition, string epoch, IReadOnlyList<RowChange> changes, CancellationToken cancellationToken)
    {
        await using var lease = await leases.AcquireAsync(partition, cancellationToken);
        var state = lease.State is { } known && known.Epoch == epoch ? known : null;
        await lease.LogAsync(epoch, changes, cancellationToken);

        // Everything up to here has been sent by an earlier attempt or another instance: a redelivered batch goes on after it.
        var unsent = state?.Sent is { } sent ? [.. changes.Where(change => change.Position > sent)] : changes;
        var memory = _memories.GetOrAdd(partition, _ => new PartitionMemory());
        memory.Resume(epoch, state, leases.Instance);
        if (unsent.Count > 0)
        {
            await SendAsync(memory, epoch, unsent, cancellationToken);
            await lease.CompleteAsync(changes[^1].Position, cancellationToken);
        }
    }

    private async Task SendAsync(PartitionMemory memory, string epoch, IReadOnlyList<RowChange> changes, CancellationToken cancellationToken)
    {
        var view = await WaitUntilVisibleAsync(changes, cancellationToken);
        var deliveries = matcher.Match(changes, view.Access);
        try
        {
            // One encoder a batch, so that what it has encoded is let go with the batch.
            var encoder = new ChangeEncoder(delivery.MaxArgumentsBytes * 3 / 4);
            await Parallel.ForEachAsync(
                deliveries.GroupBy(part => part.Group.Name),
                new ParallelOptions { MaxDegreeOfParallelism = SendsAtOnce, CancellationToken = cancellationToken },
                async (parts, token) => await SendGroupAsync(parts.Key, parts, memory, epoch, encoder, token));
        }
        catch
        {
            memory.Forget();
            throw;
        }

        memory.Advance(deliveries, changes[^1].Position);
    }

    private async Task SendGroupAsync(
        string group, IEnumerable<GroupChanges> parts, PartitionMemory memory, string epoch, ChangeEncoder encoder, CancellationToken cancellationToken)
    {
        var previousOf = new Dictionary<(string Schema, string Table), ChangePosition>();
        foreach (var part in parts)
        {
            var table = (part.Relation.Schema, part.Relation.Name);
            ChangePosition? previous = previousOf.TryGetValue(table, out var position) ? position : memory.PreviousOf(part);
            foreach (var message in GroupMessages.Build(part, epoch, previous, encoder, PackedBytes))
            {
                await SendMessageAsync(group, message, cancellationToken);
            }

            previousOf[table] = part.Changes[^1].Position;
        }
    }

    private async Task SendMessageAsync(string group, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        try
        {
            await delivery.SendToGroupAsync(group, Target, message, cancellationToken);
        }
        catch (DeliveryException ex) when (ex.Error == DeliveryError.Rejected)
        {
            // Trying again would fail for ever and hold up the partition. The next message names a predecessor that the receivers lack.
            Log.MessageRejected(logger, group, message.Length, ex.Message);
        }
    }

    // The log streams a commit a moment before other sessions see it, and under a slow synchronous standby long before.
    private async Task<RegistryView> WaitUntilVisibleAsync(IReadOnlyList<RowChange> changes, CancellationToken cancellationToken)
    {
        var tables = changes.Select(change => change.Relation.Oid).ToHashSet();
        var xids = changes.Select(change => change.Xid).ToHashSet();
        var began = time.GetTimestamp();
        var wait = _firstVisibilityWait;
        while (true)
        {
            var view = await registry.RefreshAsync(tables, cancellationToken);
            if (xids.All(view.Snapshot.Sees))
            {
                return view;
            }

            if (wait >= _longestVisibilityWait && time.GetElapsedTime(began) > TimeSpan.FromSeconds(10))
            {
                Log.StillInvisible(logger, time.GetElapsedTime(began));
            }

            await Task.Delay(wait, time, cancellationToken);
            wait = wait * 2 < _longestVisibilityWait ? wait * 2 : _longestVisibilityWait;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3001, LogLevel.Warning, "A streamed transaction has not become visible to other sessions for {Elapsed}; its changes wait. Check the synchronous standbys.")]
        public static partial void StillInvisible(ILogger logger, TimeSpan elapsed);

        [LoggerMessage(3002, LogLevel.Error, "The SignalR service refuses a message of {Bytes} bytes to group '{Group}' for good: {Reason} It is left out; its receivers see a gap.")]
        public static partial void MessageRejected(ILogger logger, string group, int bytes, string reason);
    }
}
