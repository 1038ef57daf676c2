using Npgsql;
using Serverless.Calls;
using Serverless.ChangeLog;
using Serverless.Subscriptions;
using Serverless.Subscriptions.Registry;

namespace Serverless.Resume;

/// <summary>One channel that a client wants to go on with.</summary>
internal sealed record ChannelToResume(string Topic, IReadOnlyList<ResumePoint> Points);

/// <summary>Gives the channels of a session what they have missed, as much as fits into one answer.</summary>
internal sealed class ChannelResumer(NpgsqlDataSource dataSource, SubscriptionReplay replay, TimeProvider time) : IDisposable
{
    /// <summary>Replays at a time in this process: after a restart everybody comes at once, and live changes want the processor too.</summary>
    private const int AtOnce = 4;

    private readonly SemaphoreSlim _slots = new(AtOnce);

    public async Task<IReadOnlyList<ResumeAnswer>> ResumeAsync(Guid session, IReadOnlyList<ChannelToResume> channels, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            // Before anything is read: what is committed after this is neither looked for nor forgotten where there is a gap.
            var end = await LogCursor.ReadEndAsync(dataSource, cancellationToken)
                ?? throw new SubscriptionException(
                    "CaptureNotReady", StatusCodes.Status503ServiceUnavailable, "Changes of this database were never captured yet. Try again in a moment.");
            var held = await SessionSubscription.ReadAsync(dataSource, session, [.. channels.Select(channel => channel.Topic)], time.GetUtcNow(), cancellationToken);
            var budget = new ReplayBudget(time);
            var answers = new List<ResumeAnswer>(channels.Count);
            foreach (var channel in channels)
            {
                answers.Add(await ResumeAsync(channel, held[channel.Topic], end, budget, cancellationToken));
            }

            return answers;
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private async Task<ResumeAnswer> ResumeAsync(
        ChannelToResume channel, IEnumerable<SessionSubscription> held, LogCursor end, ReplayBudget budget, CancellationToken cancellationToken)
    {
        var byNumber = held.GroupBy(subscription => subscription.Number).ToDictionary(group => group.Key, group => group.First());
        var messages = new MessageList();
        var resumed = new List<ResumedSubscription>(channel.Points.Count);
        foreach (var point in channel.Points)
        {
            if (!byNumber.TryGetValue(point.Id, out var subscription))
            {
                return ResumeAnswer.Refused(channel.Topic, ErrorAnswer.BadRequest(
                    "TopicNotJoined", "The session has no such subscription on this topic, or its token has expired. Join the topic, then resume with the numbers of that answer."));
            }

            resumed.Add(budget.HasRoom
                ? await replay.ReplayAsync(subscription, point, end, messages, budget, cancellationToken)
                : new ResumedSubscription { Id = point.Id, More = true, Tables = [] });
        }

        return new ResumeAnswer { Topic = channel.Topic, Status = "ok", Messages = messages.End(), Subscriptions = resumed };
    }
}
