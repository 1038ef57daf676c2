using System.Collections.Concurrent;
using Serverless.ChangeLog;
using Serverless.Changes;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions.FanOut;

/// <summary>The change function: logs a partition's changes, finds who wants them, and sends each group its own.</summary>
/// <remarks>
/// The order of the steps is what the promises rest on. Logged and committed before the registry is read, so that a joining client finds a change in the log or
/// is found by it. The registry read after the batch has arrived, so that whoever was told SUBSCRIBED before the commit is in it. Judged only when
/// the batch's transactions are visible to the snapshot that is judged by. The partition is held all the while, against a second sender.
/// </remarks>
internal sealed class ChangeFanOut(
    PartitionLeases leases,
    VisibleView visible,
    SubscriptionIndex index,
    SubscriptionExpiry expiry,
    RunJudge judge,
    GroupSender sender,
    IEnumerable<ITableSink> sinks) : IChangeSink
{
    private readonly ITableSink[] _sinks = [.. sinks];
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
        if (!memory.Continues(epoch, state, leases.Instance))
        {
            memory.Begin(epoch, state?.Sent ?? await lease.ReadCompleteFromAsync(cancellationToken));
        }

        if (unsent.Count > 0)
        {
            await SendAsync(memory, epoch, [.. unsent.Where(change => !_sinks.Any(sink => sink.Takes(change.Relation)))], cancellationToken);
            await HandOnAsync(memory, unsent, cancellationToken);
            memory.Reach(unsent[^1].Position);
            await lease.CompleteAsync(changes[^1].Position, cancellationToken);
        }
    }

    // After the rest: a batch that fails comes again, and of row changes a client drops what it has seen.
    private async Task HandOnAsync(PartitionMemory memory, IReadOnlyList<RowChange> changes, CancellationToken cancellationToken)
    {
        foreach (var sink in _sinks)
        {
            List<RowChange> taken = [.. changes.Where(change => sink.Takes(change.Relation))];
            if (taken.Count == 0)
            {
                continue;
            }

            try
            {
                await sink.HandleAsync(taken, cancellationToken);
            }
            catch
            {
                memory.Forget();
                throw;
            }
        }
    }

    private async Task SendAsync(PartitionMemory memory, string epoch, IReadOnlyList<RowChange> changes, CancellationToken cancellationToken)
    {
        if (changes.Count == 0)
        {
            return;
        }

        var view = await visible.WaitForAsync(changes, cancellationToken);
        var deliveries = await JudgeAsync(changes, view, cancellationToken);
        try
        {
            await sender.SendAsync(deliveries, memory, epoch, cancellationToken);
        }
        catch
        {
            memory.Forget();
            throw;
        }

        memory.Advance(deliveries);
    }

    /// <summary>Judges the changes table by table, each under the policies of the view.</summary>
    private async Task<IReadOnlyList<GroupChanges>> JudgeAsync(IReadOnlyList<RowChange> changes, RegistryView view, CancellationToken cancellationToken)
    {
        var deliveries = new List<GroupChanges>();
        foreach (var run in RunJudge.RunsOf(changes))
        {
            using var hold = index.Hold(run[0].Relation, out var subscribers);
            deliveries.AddRange(await judge.JudgeAsync(run, subscribers, view, cancellationToken));
        }

        // After the last judgement, so that nothing is sent to whoever expired while it was made.
        await expiry.EndExpiredAsync(cancellationToken);
        return deliveries;
    }
}
