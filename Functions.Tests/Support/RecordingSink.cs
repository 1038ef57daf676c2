using Serverless.Changes;

namespace Serverless.Support;

/// <summary>Keeps what it is given, or fails as it is told.</summary>
internal sealed class RecordingSink : IChangeSink
{
    public List<(string Partition, IReadOnlyList<ChangeBatch> Batches)> Calls { get; } = [];

    public Exception? Failure { get; set; }

    /// <summary>When set, calls wait for cancellation after completing this.</summary>
    public TaskCompletionSource? Hang { get; set; }

    /// <summary>Completes when a hanging call was cancelled.</summary>
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task HandleAsync(string partition, IReadOnlyList<ChangeBatch> batches, CancellationToken cancellationToken)
    {
        Calls.Add((partition, batches));
        if (Hang is { } entered)
        {
            await using var registration = cancellationToken.Register(() => Cancelled.TrySetResult());
            entered.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }

        if (Failure is { } failure)
        {
            throw failure;
        }
    }
}
