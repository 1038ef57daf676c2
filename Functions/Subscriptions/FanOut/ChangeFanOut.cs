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
internal sealed partial class ChangeFanOut(
    PartitionLeases leases,
    RegistryRefresher registry,
    SubscriptionIndex index,
    SubscriptionExpiry expiry,
    TableBinder binder,
    ChangeJudge judge,
    GroupSender sender,
    IEnumerable<ITableSink> sinks,
    TimeProvider time,
    ILogger<ChangeFanOut> logger) : IChangeSink
{
    private static readonly TimeSpan _firstVisibilityWait = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan _longestVisibilityWait = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan _warnFirstAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _warnEvery = TimeSpan.FromSeconds(30);

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
        memory.Resume(epoch, state, leases.Instance);
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

        var view = await WaitUntilVisibleAsync(changes, cancellationToken);
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
        foreach (var run in RunsOf(changes))
        {
            try
            {
                deliveries.AddRange(await JudgeRunAsync(run, view, isLastAttempt: false, cancellationToken));
            }
            catch (StalePoliciesException)
            {
                index.Of(run[0].Relation).Unbind();
                view = await registry.RefreshAsync([run[0].Relation.Oid], cancellationToken);
                deliveries.AddRange(await JudgeRunAsync(run, view, isLastAttempt: true, cancellationToken));
            }
        }

        // After the last judgement, so that nothing is sent to whoever expired while it was made.
        await expiry.EndExpiredAsync(cancellationToken);
        return deliveries;
    }

    private async Task<IReadOnlyList<GroupChanges>> JudgeRunAsync(
        List<RowChange> run, RegistryView view, bool isLastAttempt, CancellationToken cancellationToken)
    {
        var relation = run[0].Relation;
        using var hold = index.Hold(relation, out var subscribers);
        while (view.Policies.TryGetValue(relation.Oid, out var policies))
        {
            if (await binder.BindAsync(relation, subscribers, policies, cancellationToken))
            {
                return await judge.JudgeAsync(relation, subscribers, run, isLastAttempt, cancellationToken);
            }

            view = await registry.RefreshAsync([relation.Oid], cancellationToken);
        }

        // A table that is gone is judged by nobody's rights, so nobody is told.
        return [];
    }

    // Each table's changes, cut where the table was altered.
    private static IEnumerable<List<RowChange>> RunsOf(IReadOnlyList<RowChange> changes)
    {
        foreach (var table in changes.GroupBy(change => change.Relation.Oid))
        {
            var run = new List<RowChange>();
            foreach (var change in table)
            {
                if (run.Count > 0 && !RelationComparer.Instance.Equals(run[0].Relation, change.Relation))
                {
                    yield return run;
                    run = [];
                }

                run.Add(change);
            }

            yield return run;
        }
    }

    // The log streams a commit a moment before other sessions see it, and under a slow synchronous standby long before.
    private async Task<RegistryView> WaitUntilVisibleAsync(IReadOnlyList<RowChange> changes, CancellationToken cancellationToken)
    {
        var tables = changes.Select(change => change.Relation.Oid).ToHashSet();
        var xids = changes.Select(change => change.Xid).ToHashSet();
        var began = time.GetTimestamp();
        var wait = _firstVisibilityWait;
        var warnAfter = _warnFirstAfter;
        while (true)
        {
            var view = await registry.RefreshAsync(tables, cancellationToken);
            if (xids.All(view.Snapshot.Sees))
            {
                return view;
            }

            if (time.GetElapsedTime(began) > warnAfter)
            {
                Log.StillInvisible(logger, time.GetElapsedTime(began));
                warnAfter += _warnEvery;
            }

            await Task.Delay(wait, time, cancellationToken);
            wait = wait * 2 < _longestVisibilityWait ? wait * 2 : _longestVisibilityWait;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3001, LogLevel.Warning, "A streamed transaction has not become visible to other sessions for {Elapsed}; its changes wait. Check the synchronous standbys; after a restore to an earlier point, the event hub still holds changes that never happened.")]
        public static partial void StillInvisible(ILogger logger, TimeSpan elapsed);
    }
}
