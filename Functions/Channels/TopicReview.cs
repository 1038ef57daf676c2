using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Calls;
using Serverless.Delivery;
using Serverless.Presence;
using Serverless.Subscriptions.Registry;
using Serverless.Topics;

namespace Serverless.Channels;

/// <summary>Ends what sessions hear once their right to it is over: the token has expired, or the policies on a private topic no longer let them.</summary>
internal sealed class TopicReview(
    NpgsqlDataSource dataSource,
    TopicAuthorization authorization,
    SessionGroups groups,
    JoinedTopics joined,
    PresenceChanges presence,
    IRealtimeDelivery delivery,
    IOptions<TopicOptions> options,
    TimeProvider time)
{
    private const int ReviewedAtOnce = 500;

    /// <summary>Silences topics whose token has expired, and tells their clients, unless that was told with their row changes. The channels stay open for a new token.</summary>
    public async Task EndExpiredAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        foreach (var session in await TopicRegistry.ExpiredSessionsAsync(dataSource, now, cancellationToken))
        {
            var expired = await EndExpiredAsync(session, now, cancellationToken);
            await presence.LeaveAsync(session, [.. expired.SelectMany(topic => new[] { (topic, false), (topic, true) })], cancellationToken);
        }
    }

    /// <summary>Asks anew about private topics that were judged too long ago.</summary>
    public async Task ReviewAsync(CancellationToken cancellationToken)
    {
        while (await TopicRegistry.TakeToReviewAsync(dataSource, options.Value.AuthorizationTime, ReviewedAtOnce, cancellationToken) is { Count: > 0 } due)
        {
            var questions = due.Select(channel => channel.Topic.Question).Distinct().ToList();
            var rights = await authorization.ToHearAsync(questions, cancellationToken);
            var rightsOf = questions.Zip(rights).ToDictionary(pair => pair.First, pair => pair.Second);
            foreach (var (session, topic) in due)
            {
                var wanted = topic.Groups.Where(group => MayBeIn(group, topic, rightsOf[topic.Question])).ToList();
                if (wanted.Count < topic.Groups.Count)
                {
                    await NarrowAsync(session, topic, wanted, isOver: !rightsOf[topic.Question].Any, cancellationToken);
                }
            }

            if (due.Count < ReviewedAtOnce)
            {
                return;
            }
        }
    }

    private async Task<IReadOnlyList<string>> EndExpiredAsync(Guid session, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var lease = await SessionLease.AcquireAsync(dataSource, session, cancellationToken);
        var expired = await TopicRegistry.SuspendExpiredAsync(lease.Connection, session, now, cancellationToken);
        foreach (var (topic, left) in expired)
        {
            joined.Forget(session, topic);
            await groups.LeaveAsync(lease.Connection, session, topic, left);
        }

        List<string> topics = [.. expired.Select(channel => channel.Topic)];
        var told = await SubscriptionRegistry.SuspendedTopicsAsync(lease.Connection, session, cancellationToken);
        var untold = topics.Except(told).ToList();
        if (untold.Count > 0)
        {
            await delivery.SendToUserAsync(session.ToString("N"), "system", ExpiryNotice.For(untold), cancellationToken);
        }

        return topics;
    }

    private static bool MayBeIn(string group, JoinedTopic topic, TopicRights rights) =>
        group == TopicGroups.Broadcast(topic.Topic, topic.IsPrivate) ? rights.Broadcast : rights.Presence;

    private async Task NarrowAsync(Guid session, JoinedTopic topic, IReadOnlyList<string> wanted, bool isOver, CancellationToken cancellationToken)
    {
        await using var lease = await SessionLease.AcquireAsync(dataSource, session, cancellationToken);
        if (!await TopicRegistry.NarrowAsync(lease.Connection, session, topic, wanted, cancellationToken))
        {
            return;
        }

        joined.Forget(session, topic.Topic);
        await groups.LeaveAsync(lease.Connection, session, topic.Topic, topic.Groups.Except(wanted));
        if (isOver)
        {
            await SubscriptionRegistry.LeaveAsync(lease.Connection, session, topic.Topic, [], cancellationToken);
            await groups.TidyAsync(lease.Connection, session, cancellationToken);
            await TopicRegistry.LeaveAsync(lease.Connection, session, topic.Topic, cancellationToken);
            await TopicRegistry.SettleAsync(lease.Connection, session, topic.Topic, cancellationToken);
            await presence.LeaveAsync(session, [(topic.Topic, true)], cancellationToken);
            await delivery.SendToUserAsync(session.ToString("N"), "close", CloseNotice.For(topic.Topic, PrivateTopic.MayNotHear), cancellationToken);
        }
    }
}
