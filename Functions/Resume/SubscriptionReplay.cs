using Serverless.ChangeLog;
using Serverless.Changes;
using Serverless.Delivery;
using Serverless.Subscriptions;
using Serverless.Subscriptions.FanOut;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Registry;

namespace Serverless.Resume;

/// <summary>Finds in the log what one subscription has missed, and judges it as the present token, policies and filter say.</summary>
/// <remarks>
/// The registration is committed and the group joined before this begins. A batch that was judged without the registration was in the log, committed, before the registry was read for it, and so is
/// found here; any later batch is sent to the group. What is both found and sent is recognised by its position.
/// </remarks>
internal sealed class SubscriptionReplay(LogReader log, LogJudge judge, IRealtimeDelivery delivery)
{
    private const int PackedBytes = 128 * 1024;

    /// <param name="end">The present end of the stream; where a gap is found, the client goes on from there.</param>
    /// <param name="messages">Receives what was missed.</param>
    public async Task<ResumedSubscription> ReplayAsync(
        SessionSubscription subscription, ResumePoint point, LogCursor end, MessageList messages, ReplayBudget budget, CancellationToken cancellationToken)
    {
        if (point.Cursor.Epoch != end.Epoch)
        {
            return AfterGap(point, Gap.EpochChanged, end);
        }

        var definition = subscription.Definition;
        var extent = await log.ReadExtentAsync(end.Epoch, Named(definition.Schema), Named(definition.Table), cancellationToken);
        if (GapBefore(extent, point, definition) is { } gap)
        {
            return AfterGap(point, gap, end);
        }

        // As a table's subscribers are kept, and this is the only one: it is bound to its own claims, also where it shares its group with others.
        var reached = new List<TablePosition>();
        foreach (var table in extent.Tables)
        {
            var subscribers = new TableSubscribers();
            subscribers.Add(new SubscriberGroup(subscription.Group, subscription.Number, definition, subscription.Claims) { Members = 1 });
            var (position, isEnd) = (point.StartOf(table, extent)!.Value, false);
            while (!isEnd && budget.HasRoom)
            {
                if (await log.ReadAsync(end.Epoch, table.Schema, table.Table, position, cancellationToken) is not { } logged)
                {
                    return AfterGap(point, Gap.WindowPassed, end);
                }

                await JudgeAsync(logged.Changes, subscribers, end.Epoch, messages, budget, cancellationToken);
                (position, isEnd) = (logged.Last, logged.IsEnd);
            }

            reached.Add(new TablePosition { Schema = table.Schema, Table = table.Table, Position = position.ToString() });
            if (!isEnd)
            {
                return new ResumedSubscription { Id = point.Id, More = true, Tables = reached };
            }
        }

        return new ResumedSubscription { Id = point.Id, More = false, Tables = reached };
    }

    private async Task JudgeAsync(
        IReadOnlyList<RowChange> changes, TableSubscribers subscribers, string epoch, MessageList messages, ReplayBudget budget, CancellationToken cancellationToken)
    {
        var encoder = new ChangeEncoder(delivery.MaxArgumentsBytes * 3 / 4);
        foreach (var part in await judge.JudgeAsync(changes, subscribers, cancellationToken))
        {
            foreach (var message in GroupMessages.Build(part, epoch, previous: null, encoder, PackedBytes))
            {
                // The arguments of an invocation are an array of one object.
                var json = message.Arguments.Span[1..^1];
                messages.Add(json);
                budget.Spend(json.Length);
            }
        }
    }

    // A table that is not in the log has had no changes since it was complete, or none that are kept; of those the client counts from its cursor.
    private static Gap? GapBefore(LogExtent extent, ResumePoint point, GroupDefinition definition)
    {
        if (definition.Table == GroupDefinition.Any && !extent.ReachesBackTo(point.Cursor.Position))
        {
            return Gap.LogEmptied;
        }

        IEnumerable<(string Schema, string Table)> tables = definition.Table == GroupDefinition.Any
            ? extent.Tables.Concat(extent.Trimmed.Keys)
            : [(definition.Schema, definition.Table)];
        foreach (var table in tables.Where(table => point.StartOf(table, extent) is null))
        {
            var last = point.Tables.TryGetValue(table, out var seen) && seen > point.Cursor.Position ? seen : point.Cursor.Position;
            return extent.ReachesBackTo(last) ? Gap.WindowPassed : Gap.LogEmptied;
        }

        return null;
    }

    private static ResumedSubscription AfterGap(ResumePoint point, Gap gap, LogCursor end) => new() { Id = point.Id, Gap = gap, Cursor = CursorAnswer.Of(end) };

    private static string? Named(string target) => target == GroupDefinition.Any ? null : target;
}
