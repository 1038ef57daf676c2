using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Auth;
using Serverless.Bus;
using Serverless.Calls;
using Serverless.Delivery;
using Serverless.Subscriptions.Registry;
using Serverless.Subscriptions;

namespace Serverless.Channels;

/// <summary>Brings a session's registrations and its SignalR groups together.</summary>
/// <remarks>
/// A join is answered only when its registration is committed and its groups are joined: from then on every refresh of every instance finds the registration, and
/// every send reaches the connection. What a topic had before ends only after that, and after the batches that were judged before it have been sent, so that a change of token
/// loses nothing; for a moment both are there, and the client drops what comes twice. Where registry and groups cannot be brought together, the connection is closed: it comes back and begins anew.
/// </remarks>
internal sealed partial class ChannelJoiner(
    NpgsqlDataSource dataSource,
    SubscriptionResolver resolver,
    SessionGroups groups,
    SessionPlaces places,
    IRealtimeDelivery delivery,
    ChangeFeed feed,
    TimeProvider time,
    ILogger<ChannelJoiner> logger)
{
    private static readonly TimeSpan _firstLook = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _lastLook = TimeSpan.FromMilliseconds(400);

    /// <summary>Joins channels, one answer each, in order. A channel that fails does not stop the others.</summary>
    /// <exception cref="SubscriptionException">The session has no connection, or changes do not reach this process.</exception>
    public async Task<IReadOnlyList<ChannelAnswer>> JoinAsync(Guid session, IReadOnlyList<ChannelJoin> joins, CancellationToken cancellationToken)
    {
        RequireFeed();
        await RequireConnectedAsync(session, cancellationToken);
        return await WithSessionAsync(
            session,
            connection => RegisterAllAsync(connection, session, joins, cancellationToken),
            cancellationToken);
    }

    /// <summary>Leaves topics; one that was not joined is left all the same.</summary>
    public Task<IReadOnlyList<ChannelAnswer>> LeaveAsync(Guid session, IReadOnlyList<string> topics, CancellationToken cancellationToken) =>
        WithSessionAsync(
            session,
            _ => Task.FromResult<IReadOnlyList<JoinedChannel>>([.. topics.Select(topic => new JoinedChannel(ChannelAnswer.Ok(topic), []))]),
            cancellationToken);

    /// <summary>Judges the session's channels anew for another caller; all of them, or those named.</summary>
    public async Task<IReadOnlyList<ChannelAnswer>> RejoinAsync(
        Guid session, IReadOnlyList<string>? topics, Caller caller, CancellationToken cancellationToken)
    {
        RequireFeed();
        await RequireConnectedAsync(session, cancellationToken);
        return await WithSessionAsync(
            session,
            async connection =>
            {
                var requests = await SubscriptionRegistry.RequestsOfAsync(connection, session, cancellationToken);
                var joins = (topics ?? [.. requests.Select(channel => channel.Key)]).Select(topic => new ChannelJoin(topic, caller, [.. requests[topic]])).ToList();
                return await RegisterAllAsync(connection, session, joins, cancellationToken);
            },
            cancellationToken);
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

    private async Task<IReadOnlyList<ChannelAnswer>> WithSessionAsync(
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

        if (former.Count > 0)
        {
            await LeaveAsync(session, joined, former);
        }

        return [.. joined.Select(channel => channel.Answer)];
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
            joined.Add(await RegisterAsync(connection, session, join, cancellationToken));
        }

        return joined;
    }

    private async Task<JoinedChannel> RegisterAsync(NpgsqlConnection connection, Guid session, ChannelJoin join, CancellationToken cancellationToken)
    {
        try
        {
            var claims = ClaimSet.Of(join.Caller);
            var resolved = new List<ResolvedSubscription>(join.Requests.Count);
            foreach (var request in join.Requests)
            {
                resolved.Add(await resolver.ResolveAsync(connection, request, join.Caller.Role, claims, cancellationToken));
            }

            var registration = new ChannelRegistration(session, join.Caller.Subject, join.Topic, join.Caller.Role, claims, join.Caller.ExpiresAt, resolved);
            var registered = await SubscriptionRegistry.RegisterAsync(connection, registration, cancellationToken);
            return new JoinedChannel(ChannelAnswer.Joined(join, resolved, registered), [.. registered.Select(subscription => subscription.Id)]);
        }
        catch (SubscriptionException ex)
        {
            return new JoinedChannel(ChannelAnswer.Refused(join.Topic, ErrorAnswer.For(ex)), []);
        }
        catch (PostgresException ex) when (!ex.IsTransient)
        {
            Log.ChannelFailed(logger, ex);
            return new JoinedChannel(ChannelAnswer.Refused(join.Topic, FailureAnswers.DatabaseUnavailable), []);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5003, LogLevel.Warning, "One channel of a call could not be registered in the database; its client was told to try again.")]
        public static partial void ChannelFailed(ILogger logger, Exception exception);
    }
}

/// <summary>A channel that was joined, refused or left.</summary>
/// <param name="Subscriptions">The ids of its subscriptions; whatever else its topic has is to end.</param>
internal sealed record JoinedChannel(ChannelAnswer Answer, IReadOnlyList<long> Subscriptions);
