using Npgsql;
using Serverless.Auth;
using Serverless.Bus;
using Serverless.Calls;
using Serverless.ChangeLog;
using Serverless.Delivery;
using Serverless.Presence;
using Serverless.Subscriptions;
using Serverless.Subscriptions.Registry;
using Serverless.Topics;

namespace Serverless.Channels;

/// <summary>Brings a session's registrations and its SignalR groups together.</summary>
/// <remarks>
/// A join is answered only when its registration is committed and its groups are joined: from then on every refresh of every instance finds the registration, and
/// every send reaches the connection. What a topic had before ends only after that, and after the batches that were judged before it have been sent, so that a change of token
/// loses nothing; for a moment both are there, and the client drops what comes twice. Where registry and groups cannot be brought together, the connection is closed: it
/// comes back and begins anew.
/// </remarks>
internal sealed class ChannelJoiner(
    NpgsqlDataSource dataSource,
    ChannelRegistrar registrar,
    ChannelHistory history,
    SessionGroups groups,
    SessionPlaces places,
    JoinedTopics joinedTopics,
    PresenceChanges presence,
    IRealtimeDelivery delivery,
    ChangeFeed feed,
    RateLimits rates,
    TimeProvider time)
{
    private static readonly TimeSpan _firstLook = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _lastLook = TimeSpan.FromMilliseconds(400);

    /// <summary>Joins channels, one answer each, in order. A channel that fails does not stop the others.</summary>
    /// <exception cref="SubscriptionException">The session has no connection, or changes do not reach this process.</exception>
    /// <exception cref="RefusedCallException">The session joins too much a second.</exception>
    public async Task<IReadOnlyList<ChannelAnswer>> JoinAsync(Guid session, IReadOnlyList<ChannelJoin> joins, CancellationToken cancellationToken)
    {
        RequireFeed();
        RequireFew(session, joins.Count);
        await RequireConnectedAsync(session, cancellationToken);
        var joined = await WithSessionAsync(
            session,
            connection => RegisterAllAsync(connection, session, joins, cancellationToken),
            cancellationToken);
        // After the groups are joined: what is committed from here on is sent to them.
        var cursor = joined.Any(channel => channel.Subscriptions.Count > 0) ? CursorAnswer.Of(await LogCursor.ReadEndAsync(dataSource, cancellationToken)) : null;
        return await Task.WhenAll(joined.Select(channel => history.AddAsync(channel, cursor, cancellationToken)));
    }

    /// <summary>Leaves topics; one that was not joined is left all the same.</summary>
    public async Task<IReadOnlyList<ChannelAnswer>> LeaveAsync(Guid session, IReadOnlyList<string> topics, CancellationToken cancellationToken) => Answers(await WithSessionAsync(
        session,
        _ => Task.FromResult<IReadOnlyList<JoinedChannel>>([.. topics.Select(topic => JoinedChannel.Ended(ChannelAnswer.Ok(topic)))]),
        cancellationToken));

    /// <summary>Judges the session's channels anew for another caller; all of them, or those named.</summary>
    public async Task<IReadOnlyList<ChannelAnswer>> RejoinAsync(
        Guid session, IReadOnlyList<string>? topics, Caller caller, CancellationToken cancellationToken)
    {
        RequireFeed();
        await RequireConnectedAsync(session, cancellationToken);
        return Answers(await WithSessionAsync(
            session,
            async connection =>
            {
                var known = await TopicRegistry.TopicsOfAsync(connection, session, cancellationToken);
                var requests = await SubscriptionRegistry.RequestsOfAsync(connection, session, cancellationToken);
                var renewed = new List<JoinedChannel>();
                foreach (var topic in topics ?? [.. known.Keys])
                {
                    renewed.Add(known.TryGetValue(topic, out var joined)
                        ? await registrar.RegisterAsync(connection, session, ChannelJoin.Renew(joined, caller, [.. requests[topic]]), cancellationToken)
                        : JoinedChannel.Ended(ChannelAnswer.Ok(topic)));
                }

                return renewed;
            },
            cancellationToken));
    }

    // Only the process that captures sends to the clients of an embedded service, and they are connected to theirs.
    private void RequireFeed()
    {
        if (delivery.IsLocal && !feed.ReachesThisProcess)
        {
            throw new SubscriptionException(
                "CaptureNotReady",
                StatusCodes.Status503ServiceUnavailable,
                "This process does not capture changes: it is starting, or another one on the same database does. Try again in a moment; to run several processes, give them one SignalR service.");
        }
    }

    private void RequireFew(Guid session, int joins)
    {
        if (rates.Take(LimitKind.Joins, session.ToString("N"), joins) is { IsTaken: false } rate)
        {
            throw new RefusedCallException(new ErrorAnswer(
                StatusCodes.Status429TooManyRequests, "TooManyJoins", $"This client joins more than {rate.Limit} channels a second (Limits:JoinsPerSecond). Try again in a moment."));
        }
    }

    // A service of many nodes may know of a connection a moment later than the client itself.
    private async Task RequireConnectedAsync(Guid session, CancellationToken cancellationToken)
    {
        for (var wait = _firstLook; !await delivery.IsUserConnectedAsync(session.ToString("N"), cancellationToken); wait *= 2)
        {
            if (wait > _lastLook)
            {
                throw new SubscriptionException(
                    "SessionNotConnected",
                    StatusCodes.Status409Conflict,
                    "The session has no SignalR connection. Connect to the address that negotiate gave, then join; or negotiate again.");
            }

            await Task.Delay(wait, time, cancellationToken);
        }
    }

    private async Task<IReadOnlyList<JoinedChannel>> WithSessionAsync(
        Guid session, Func<NpgsqlConnection, Task<IReadOnlyList<JoinedChannel>>> register, CancellationToken cancellationToken)
    {
        using var place = await places.TakeAsync(session, cancellationToken);
        IReadOnlyList<JoinedChannel> joined;
        IReadOnlyList<long> former;
        await using (var lease = await SessionLease.AcquireAsync(dataSource, session, cancellationToken))
        {
            joined = await register(lease.Connection);
            former = await groups.JoinAsync(lease.Connection, session, joined);
        }

        foreach (var channel in joined)
        {
            joinedTopics.Forget(session, channel.Answer.Topic);
        }

        // A topic that is joined anew begins without presence, as a Phoenix channel does; one that goes on under another token keeps it.
        var ended = joined.Where(channel => channel.Join is not { IsRenewal: true }).Select(channel => channel.Answer.Topic).ToList();
        if (ended.Count > 0)
        {
            await presence.LeaveAsync(session, [.. ended.SelectMany(topic => new[] { (topic, false), (topic, true) })], CancellationToken.None);
        }

        if (former.Count > 0)
        {
            await LeaveAsync(session, joined, former);
        }

        return joined;
    }

    private async Task LeaveAsync(Guid session, IReadOnlyList<JoinedChannel> joined, IReadOnlyList<long> former)
    {
        if (joined.Any(channel => channel.Subscriptions.Count > 0))
        {
            await groups.WaitForSendsAsync(session);
        }

        await using var lease = await SessionLease.AcquireAsync(dataSource, session, CancellationToken.None);
        await groups.LeaveAsync(lease.Connection, session, former);
    }

    private async Task<IReadOnlyList<JoinedChannel>> RegisterAllAsync(
        NpgsqlConnection connection, Guid session, IReadOnlyList<ChannelJoin> joins, CancellationToken cancellationToken)
    {
        var joined = new List<JoinedChannel>(joins.Count);
        foreach (var join in joins)
        {
            joined.Add(await registrar.RegisterAsync(connection, session, join, cancellationToken));
        }

        return joined;
    }

    private static IReadOnlyList<ChannelAnswer> Answers(IReadOnlyList<JoinedChannel> joined) => [.. joined.Select(channel => channel.Answer)];
}
