using Serverless.Changes;

namespace Serverless.Bus;

/// <summary>Carries batches from capture to the change function; in order within a partition, partitions side by side.</summary>
internal interface IChangeBus
{
    /// <summary>How many partitions there are, numbered from zero.</summary>
    int PartitionCount { get; }

    /// <summary>Hands a batch over, waiting while the partition's queue is full.</summary>
    /// <returns>
    /// A task that completes once the batch is safe: in process, when it is logged and sent; with Event Hubs, when the service has stored
    /// it. Only then may the log be confirmed up to it. It fails only when the bus stops.
    /// </returns>
    ValueTask<Task> PublishAsync(int partition, ChangeBatch batch, CancellationToken cancellationToken);
}
