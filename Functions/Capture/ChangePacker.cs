using Serverless.Bus;
using Serverless.Capture.PgOutput;
using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>Packs consecutive changes of one partition into batches and hands them to the bus.</summary>
/// <remarks>
/// A batch goes out when it is full, even in the middle of its transaction: its position is known from the start. What is not full goes out when the
/// stream pauses after a commit. So a single commit leaves at once, and a flood leaves packed.
/// </remarks>
internal sealed class ChangePacker(IChangeBus bus, PublishWindow window, CaptureOptions options, string epoch)
{
    private readonly Batch?[] _open = new Batch?[bus.PartitionCount];
    private int _openCount;

    /// <summary>Whether changes wait here for company.</summary>
    public bool HasOpen => _openCount > 0;

    public async ValueTask AddAsync(DecodedChange decoded, CancellationToken cancellationToken)
    {
        var (partition, change) = decoded;
        var bytes = BytesOf(change);
        if (_open[partition] is { } full && full.Bytes + bytes > options.BatchBytes)
        {
            await FlushAsync(partition, full, cancellationToken);
        }

        var batch = _open[partition] ?? Open(partition);
        batch.Changes.Add(change);
        batch.Bytes += bytes;
        if (batch.Changes.Count >= options.BatchChanges || batch.Bytes >= options.BatchBytes)
        {
            await FlushAsync(partition, batch, cancellationToken);
        }
    }

    public async Task FlushAllAsync(CancellationToken cancellationToken)
    {
        for (var partition = 0; partition < _open.Length; partition++)
        {
            if (_open[partition] is { } batch)
            {
                await FlushAsync(partition, batch, cancellationToken);
            }
        }
    }

    private Batch Open(int partition)
    {
        _openCount++;
        return _open[partition] = new Batch(window.Open());
    }

    private async Task FlushAsync(int partition, Batch batch, CancellationToken cancellationToken)
    {
        _open[partition] = null;
        _openCount--;
        await window.WaitForRoomAsync(batch.Bytes, cancellationToken);
        var done = await bus.PublishAsync(partition, new ChangeBatch(epoch, batch.Changes), cancellationToken);
        window.Track(batch.Unfinished, batch.Bytes, done);
    }

    private static long BytesOf(RowChange change) => (change.New?.Json.Length ?? 0) + (change.Old?.Json.Length ?? 0);

    private sealed class Batch(UnfinishedBatch unfinished)
    {
        public UnfinishedBatch Unfinished { get; } = unfinished;

        public List<RowChange> Changes { get; } = [];

        public long Bytes { get; set; }
    }
}
