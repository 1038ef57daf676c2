using Serverless.Delivery;

namespace Serverless.Presence;

/// <summary>Tells a topic's receivers. What cannot be told is left to the sweep; the state is true in any case.</summary>
internal sealed partial class PresenceSender(IRealtimeDelivery delivery, TimeProvider time, ILogger<PresenceSender> logger)
{
    // The topic is held meanwhile.
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(15);

    /// <summary>Tells what has changed.</summary>
    /// <returns>Whether the service has taken all of it.</returns>
    public Task<bool> TrySendAsync(PresenceTopic topic, TopicChange change) => TrySendAsync(topic, PresenceMessages.DiffTarget, PresenceMessages.Diffs(topic, change));

    /// <summary>Tells what is true.</summary>
    public Task<bool> TrySendAsync(PresenceTopic topic, PresenceSnapshot snapshot) =>
        TrySendAsync(topic, PresenceMessages.StateTarget, [PresenceMessages.State(topic, snapshot)]);

    private async Task<bool> TrySendAsync(PresenceTopic topic, string target, IEnumerable<ReadOnlyMemory<byte>> messages)
    {
        using var limit = new CancellationTokenSource(_limit, time);
        try
        {
            foreach (var message in messages)
            {
                await delivery.SendToGroupAsync(topic.Group, target, message, limit.Token);
            }

            return true;
        }
        catch (Exception ex) when (ex is DeliveryException or OperationCanceledException)
        {
            Log.PresenceNotTold(logger, ex);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(7001, LogLevel.Warning, "A topic's receivers could not be told who is present; the next sweep tells them.")]
        public static partial void PresenceNotTold(ILogger logger, Exception exception);
    }
}
