using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>
/// What has been read from the log and is not yet safe. Tells how far the log may be confirmed, and makes the reader wait when too much
/// is outstanding.
/// </summary>
/// <remarks>
/// Called by the reader, the confirming timer and, when a batch is done, by the bus's threads.
/// A batch remembers the end of the last commit before its first change's transaction. The least of these over all
/// unfinished batches, in packing or on the bus, is a commit's end, and everything up to it is done.
/// </remarks>
internal sealed class PublishWindow(int maxBatches, long maxBytes)
{
    private readonly Lock _gate = new();
    private readonly HashSet<UnfinishedBatch> _unfinished = [];
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _room;
    private Lsn _lastCommitEnd;
    private bool _inTransaction;
    private int _outstandingBatches;
    private long _outstandingBytes;

    /// <summary>Never completes, but fails when a batch does: then nothing after it may be confirmed, and the session must begin again.</summary>
    public Task Failed => _failed.Task;

    public void BeginTransaction()
    {
        lock (_gate)
        {
            _inTransaction = true;
        }
    }

    public void EndTransaction(Lsn commitEnd)
    {
        lock (_gate)
        {
            _inTransaction = false;
            _lastCommitEnd = commitEnd;
        }
    }

    /// <summary>Opens a batch with a change of the current transaction. Nothing from that transaction on is confirmed until it is done.</summary>
    public UnfinishedBatch Open()
    {
        lock (_gate)
        {
            var batch = new UnfinishedBatch(_lastCommitEnd);
            _unfinished.Add(batch);
            return batch;
        }
    }

    /// <summary>Waits until the bus may be given so many bytes more.</summary>
    public async Task WaitForRoomAsync(long bytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task room;
            lock (_gate)
            {
                if (_outstandingBatches == 0 || (_outstandingBatches < maxBatches && _outstandingBytes + bytes <= maxBytes))
                {
                    return;
                }

                _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _room.Task;
            }

            await room.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The batch is on the bus; <paramref name="done"/> completes when it is safe.</summary>
    public void Track(UnfinishedBatch batch, long bytes, Task done)
    {
        lock (_gate)
        {
            _outstandingBatches++;
            _outstandingBytes += bytes;
        }

        _ = FinishAsync(batch, bytes, done);
    }

    /// <summary>How far the log may be confirmed: always the end of a commit or, when nothing is unfinished, all that has been received.</summary>
    /// <param name="received">
    /// How far the stream had come, read before this call. What it covers beyond the last commit has no change for us: while no transaction is
    /// open, whatever commits next has its commit record after it.
    /// </param>
    public Lsn Confirmable(Lsn received)
    {
        lock (_gate)
        {
            if (_unfinished.Count == 0)
            {
                return !_inTransaction && received > _lastCommitEnd ? received : _lastCommitEnd;
            }

            return _unfinished.Min(batch => batch.After);
        }
    }

    private async Task FinishAsync(UnfinishedBatch batch, long bytes, Task done)
    {
        try
        {
            await done.ConfigureAwait(false);
        }
        catch (Exception ex)
        {
            // The batch stays unfinished, so nothing beyond it is ever confirmed.
            _failed.TrySetException(ex);
            return;
        }

        lock (_gate)
        {
            _unfinished.Remove(batch);
            _outstandingBatches--;
            _outstandingBytes -= bytes;
            _room?.TrySetResult();
            _room = null;
        }
    }
}

/// <param name="after">End of the last commit before the transaction of the batch's first change.</param>
internal sealed class UnfinishedBatch(Lsn after)
{
    public Lsn After { get; } = after;
}
