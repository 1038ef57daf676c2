using Serverless.Database;
using Serverless.Subscriptions.Matching;

namespace Serverless.Subscriptions.Registry;

/// <summary>Brings the index up to what the registry holds, once for all batches that wait at the same time.</summary>
/// <remarks>
/// A batch may share only a refresh that began after the batch arrived: one that was already running may have taken its snapshot before a registration
/// whose join has since been answered. So while one refresh runs, the next collects whoever comes, and starts when the first is over.
/// After a pause in which tombstones may have been deleted unseen, everything is read anew.
/// </remarks>
internal sealed class RegistryRefresher(RegistryReader reader, SubscriptionIndex index, TimeProvider time)
{
    private readonly Lock _gate = new();
    private PgSnapshot? _last;
    private long _lastAt;
    private Waiting? _next;
    private bool _running;

    /// <summary>Refreshes the index with a snapshot taken after this call began.</summary>
    /// <param name="tables">Oids of the tables whose policies are asked about too.</param>
    public Task<RegistryView> RefreshAsync(IReadOnlyCollection<uint> tables, CancellationToken cancellationToken)
    {
        Waiting mine;
        lock (_gate)
        {
            mine = _next ??= new Waiting();
            mine.Tables.UnionWith(tables);
            if (!_running)
            {
                _running = true;
                _ = Task.Run(RunAsync, CancellationToken.None);
            }
        }

        return mine.Done.Task.WaitAsync(cancellationToken);
    }

    private async Task RunAsync()
    {
        while (true)
        {
            Waiting current;
            lock (_gate)
            {
                if (_next is null)
                {
                    _running = false;
                    return;
                }

                current = _next;
                _next = null;
            }

            // A failure is its waiters' to see. It may mean that the server crashed and numbers transactions from an earlier one
            // again, so what was read before is no longer a base to read on from.
            try
            {
                current.Done.SetResult(await ReadAndApplyAsync(current.Tables));
            }
            catch (Exception ex)
            {
                _last = null;
                current.Done.SetException(ex);
            }
        }
    }

    // Nobody's cancellation ends a refresh, since others may wait for it too; the command time-out bounds it.
    private async Task<RegistryView> ReadAndApplyAsync(HashSet<uint> tables)
    {
        var since = _last is not null && time.GetElapsedTime(_lastAt) < RegistrySweep.TombstoneAge / 2 ? _last : null;
        var began = time.GetTimestamp();
        var reading = await reader.ReadAsync(since, tables, CancellationToken.None);
        if (since is not null && reading.Snapshot.Xmax < since.Xmax)
        {
            // The server has gone back in time: only what is live now counts.
            since = null;
            reading = await reader.ReadAsync(null, tables, CancellationToken.None);
        }

        if (since is null)
        {
            index.Replace(reading.Rows);
        }
        else
        {
            index.Apply(reading.Rows);
        }

        _last = reading.Snapshot;
        _lastAt = began;
        return new RegistryView(reading.Snapshot, reading.Policies);
    }

    private sealed class Waiting
    {
        public TaskCompletionSource<RegistryView> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HashSet<uint> Tables { get; } = [];
    }
}
