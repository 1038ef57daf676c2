using System.Threading.Channels;
using Serverless.Bus;
using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>A bus that keeps what it is given, and says that it is safe at once or, while held, not yet.</summary>
internal sealed class RecordingBus : IChangeBus
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Channel<(int Partition, ChangeBatch Batch)> _batches = Channel.CreateUnbounded<(int, ChangeBatch)>();
    private readonly Queue<RowChange> _read = new();
    private TaskCompletionSource? _held;

    public int PartitionCount => 4;

    /// <summary>The epoch of the batch that was read last.</summary>
    public string? Epoch { get; private set; }

    public int BatchesRead { get; private set; }

    /// <summary>Batches from now on stay unfinished until the returned source completes or fails.</summary>
    public TaskCompletionSource Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public ValueTask<Task> PublishAsync(int partition, ChangeBatch batch, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _batches.Writer.TryWrite((partition, batch)).Should().BeTrue();
            return ValueTask.FromResult(_held?.Task ?? Task.CompletedTask);
        }
    }

    public async Task<RowChange> NextAsync()
    {
        if (_read.Count == 0)
        {
            var (partition, batch) = await _batches.Reader.ReadAsync().AsTask().WaitAsync(_limit);
            BatchesRead++;
            Epoch = batch.Epoch;
            foreach (var change in batch.Changes)
            {
                TablePartition.Of(change.Relation, PartitionCount).Should().Be(partition);
                _read.Enqueue(change);
            }
        }

        return _read.Dequeue();
    }

    public async Task<List<RowChange>> NextAsync(int count)
    {
        var changes = new List<RowChange>(count);
        while (changes.Count < count)
        {
            changes.Add(await NextAsync());
        }

        return changes;
    }

    /// <summary>The next change's new row, as text.</summary>
    public async Task<string> NextRowAsync() => Text((await NextAsync()).New!);

    public static string Text(RowImage image) => System.Text.Encoding.UTF8.GetString(image.Json.Span);
}
