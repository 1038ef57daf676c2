using Serverless.Changes;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Waits until changes may be judged.</summary>
/// <remarks>The log streams a commit a moment before other sessions see it, and under a slow synchronous standby long before.</remarks>
internal sealed partial class VisibleView(RegistryRefresher registry, TimeProvider time, ILogger<VisibleView> logger)
{
    private static readonly TimeSpan _firstWait = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan _longestWait = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan _warnFirstAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _warnEvery = TimeSpan.FromSeconds(30);

    /// <returns>What a refresh found that sees all transactions of the changes, with the policies of their tables.</returns>
    public async Task<RegistryView> WaitForAsync(IReadOnlyList<RowChange> changes, CancellationToken cancellationToken)
    {
        var tables = changes.Select(change => change.Relation.Oid).ToHashSet();
        var xids = changes.Select(change => change.Xid).ToHashSet();
        var began = time.GetTimestamp();
        var wait = _firstWait;
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
            wait = wait * 2 < _longestWait ? wait * 2 : _longestWait;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3001, LogLevel.Warning, "A streamed transaction has not become visible to other sessions for {Elapsed}; its changes wait. Check the synchronous standbys; after a restore to an earlier point, the event hub still holds changes that never happened.")]
        public static partial void StillInvisible(ILogger logger, TimeSpan elapsed);
    }
}
