using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Serverless.Changes;

namespace Serverless.Bus;

/// <summary>The bus inside the process: a bounded queue and a worker for each partition.</summary>
/// <remarks>
/// It treats the change function as the Functions host does: one call at a time for a partition, with all that waits up to a bound, given again until it succeeds. A batch is
/// safe once it is handled, since nothing here outlives the process: capture confirms it then and not before, and streams it again after a crash.
/// </remarks>
internal sealed partial class InProcessBus(IChangeSink sink, IOptions<BusOptions> options, TimeProvider time, ILogger<InProcessBus> logger)
    : BackgroundService, IChangeBus
{
    private const int QueuedBatches = 64;
    private const int BatchesInACall = 32;

    private static readonly TimeSpan _firstWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(10);

    private readonly Channel<Queued>[] _partitions = [.. Enumerable.Range(0, options.Value.Partitions).Select(_ => Channel.CreateBounded<Queued>(
        new BoundedChannelOptions(QueuedBatches) { SingleReader = true }))];

    public int PartitionCount => _partitions.Length;

    public async ValueTask<Task> PublishAsync(int partition, ChangeBatch batch, CancellationToken cancellationToken)
    {
        var queued = new Queued(batch, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _partitions[partition].Writer.WriteAsync(queued, cancellationToken);
        return queued.Handled.Task;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(_partitions.Select((queue, partition) => Task.Run(
            () => WorkAsync(NameOf(partition), queue, stoppingToken), CancellationToken.None)));

    // Which tables a partition holds follows from how many there are, so what was recorded under another number must not be taken for its own.
    private string NameOf(int partition) => string.Create(CultureInfo.InvariantCulture, $"{partition}/{PartitionCount}");

    private async Task WorkAsync(string partition, Channel<Queued> queue, CancellationToken stoppingToken)
    {
        var call = new List<Queued>(BatchesInACall);
        try
        {
            while (await queue.Reader.WaitToReadAsync(stoppingToken))
            {
                while (call.Count < BatchesInACall && queue.Reader.TryRead(out var queued))
                {
                    call.Add(queued);
                }

                await HandleAsync(partition, [.. call.Select(queued => queued.Batch)], stoppingToken);
                call.ForEach(queued => queued.Handled.SetResult());
                call.Clear();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops; what is queued was not confirmed and comes again.
        }
        finally
        {
            queue.Writer.TryComplete();
            call.ForEach(queued => queued.Handled.TrySetCanceled(CancellationToken.None));
            while (queue.Reader.TryRead(out var queued))
            {
                queued.Handled.TrySetCanceled(CancellationToken.None);
            }
        }
    }

    private async Task HandleAsync(string partition, IReadOnlyList<ChangeBatch> batches, CancellationToken stoppingToken)
    {
        for (var wait = _firstWait; ; wait = wait * 2 < _longestWait ? wait * 2 : _longestWait)
        {
            try
            {
                await sink.HandleAsync(partition, batches, stoppingToken);
                return;
            }
            catch (Exception ex) when (ex is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                // What a server that restarts says is all there is to say; with a stack trace it would look like a fault.
                var outage = DatabaseOutage.ReasonOf(ex);
                Log.HandlingFailed(logger, outage is null ? ex : null, partition, wait, outage ?? ex.GetType().Name);
            }

            await Task.Delay(wait, time, stoppingToken);
        }
    }

    private sealed record Queued(ChangeBatch Batch, TaskCompletionSource Handled);

    private static partial class Log
    {
        [LoggerMessage(6001, LogLevel.Warning, "Changes of partition {Partition} could not be handled; they are given again in {Wait}, and later ones wait for them. {Reason}")]
        public static partial void HandlingFailed(ILogger logger, Exception? exception, string partition, TimeSpan wait, string reason);
    }
}
