using Serverless.Changes;

namespace Serverless.Bus.EventHubs;

/// <summary>Hands what a partition of the event hub delivered to the change function.</summary>
internal sealed partial class EventHubsReceiver(IChangeSink sink, ILogger<EventHubsReceiver> logger)
{
    /// <summary>Handles the events in their order; returns when their changes are logged and sent.</summary>
    /// <remarks>
    /// An event that cannot be read will not become readable by trying again, and trying forever would keep the partition from
    /// moving: it is logged, with its place in the partition, and left out. It stays in the event hub until its retention ends.
    /// </remarks>
    public async Task HandleAsync(string partition, IReadOnlyList<ReceivedEvent> events, CancellationToken cancellationToken)
    {
        var batches = new List<ChangeBatch>(events.Count);
        foreach (var received in events)
        {
            try
            {
                batches.Add(ChangeBatchJson.Read(received.Body));
            }
            catch (FormatException ex)
            {
                Log.EventUnreadable(logger, partition, received.SequenceNumber, ex.Message);
            }
        }

        if (batches.Count > 0)
        {
            await sink.HandleAsync(partition, batches, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(6101, LogLevel.Error, "Event {SequenceNumber} of partition '{Partition}' was skipped, its changes reach nobody. {Reason}")]
        public static partial void EventUnreadable(ILogger logger, string partition, long? sequenceNumber, string reason);
    }
}
