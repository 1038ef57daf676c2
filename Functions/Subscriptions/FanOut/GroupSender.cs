using Serverless.Changes;
using Serverless.Delivery;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Sends a batch's changes to the groups that are to have them: groups side by side, a group's own in order.</summary>
internal sealed partial class GroupSender(IRealtimeDelivery delivery, ILogger<GroupSender> logger)
{
    private const string Target = "postgres_changes";
    private const int SendsAtOnce = 32;

    /// <summary>Changes are packed into messages of this size; a change that is larger travels alone.</summary>
    /// <remarks>Azure SignalR ends connections for which more than 1 MB waits, so a message must leave room for its neighbours.</remarks>
    private const int PackedBytes = 128 * 1024;

    public async Task SendAsync(IReadOnlyList<GroupChanges> deliveries, PartitionMemory memory, string epoch, CancellationToken cancellationToken)
    {
        // One encoder a batch, so that what it has encoded is let go with the batch.
        var encoder = new ChangeEncoder(delivery.MaxArgumentsBytes * 3 / 4);
        await Parallel.ForEachAsync(
            deliveries.GroupBy(part => part.Group.Name),
            new ParallelOptions { MaxDegreeOfParallelism = SendsAtOnce, CancellationToken = cancellationToken },
            async (parts, token) => await SendGroupAsync(parts.Key, parts, memory, epoch, encoder, token));
    }

    private async Task SendGroupAsync(
        string group, IEnumerable<GroupChanges> parts, PartitionMemory memory, string epoch, ChangeEncoder encoder, CancellationToken cancellationToken)
    {
        var previousOf = new Dictionary<(string Schema, string Table), ChangePosition>();
        foreach (var part in parts)
        {
            var table = (part.Relation.Schema, part.Relation.Name);
            ChangePosition? previous = previousOf.TryGetValue(table, out var position) ? position : memory.PreviousOf(part);
            foreach (var message in GroupMessages.Build(part, epoch, previous, encoder, PackedBytes))
            {
                if (!await TrySendAsync(group, message, cancellationToken))
                {
                    await SendApartAsync(group, part, message, epoch, encoder, cancellationToken);
                }
            }

            previousOf[table] = part.Changes[^1].Change.Position;
        }
    }

    // One change that the service will never take must not cost its neighbours: it goes without its row, they go as they are.
    private async Task SendApartAsync(
        string group, GroupChanges part, GroupMessage refused, string epoch, ChangeEncoder encoder, CancellationToken cancellationToken)
    {
        var previous = refused.Previous;
        for (var i = refused.First; i < refused.First + refused.Count; i++)
        {
            var change = part.Changes[i];
            if ((refused.Count == 1 || !await TrySendAsync(group, GroupMessages.Assemble(part, epoch, previous, encoder, i, 1), cancellationToken))
                && !await TrySendAsync(group, GroupMessages.Assemble(part, epoch, previous, encoder.Reduced(change), i, 1), cancellationToken))
            {
                Log.ChangeRefused(logger, group, change.Change.Position, part.Relation.ToString());
            }

            previous = change.Change.Position;
        }
    }

    private async Task<bool> TrySendAsync(string group, GroupMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await delivery.SendToGroupAsync(group, Target, message.Arguments, cancellationToken);
            return true;
        }
        catch (DeliveryException ex) when (ex.Error == DeliveryError.Rejected)
        {
            // Trying again would fail for ever and hold up the partition.
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3002, LogLevel.Error, "The change at {Position} of {Table} cannot be sent to group '{Group}', not even without its row, and is left out.")]
        public static partial void ChangeRefused(ILogger logger, string group, ChangePosition position, string table);
    }
}
