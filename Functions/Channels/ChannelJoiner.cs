using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Delivery;
using Serverless.Subscriptions;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Registry;

namespace Serverless.Channels;

/// <summary>Brings a session's registrations and its SignalR groups together.</summary>
/// <remarks>
/// A join is answered only when its registration is committed and its groups are joined: from then on every refresh of every instance finds the
/// registration, and every send reaches the connection. Registered first, so that a failure between the two leaves a registration without a listener, never a
/// listener without a registration.
/// </remarks>
internal sealed class ChannelJoiner(
    NpgsqlDataSource dataSource,
    SubscriptionResolver resolver,
    IRealtimeDelivery delivery,
    TimeProvider time,
    IOptions<ChannelOptions> options) : IDisposable
{
    private const int GroupCallsAtOnce = 8;

    private static readonly TimeSpan _firstLook = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _lastLook = TimeSpan.FromMilliseconds(400);

    // Each join holds one connection; the change function needs some too, and comes first.
    private readonly SemaphoreSlim _places = new(options.Value.JoinsAtOnce);

    /// <summary>Joins channels, one answer each, in order. A channel that fails does not stop the others.</summary>
    /// <exception cref="SubscriptionException">The session has no connection.</exception>
    public Task<IReadOnlyList<ChannelAnswer>> JoinAsync(Guid session, IReadOnlyList<ChannelJoin> joins, CancellationToken cancellationToken) =>
        WithSessionAsync(
            session,
            mustBeConnected: true,
            async connection =>
            {
                var answers = new List<ChannelAnswer>(joins.Count);
                foreach (var join in joins)
                {
                    answers.Add(await RegisterAsync(connection, session, join, cancellationToken));
                }

                return answers;
            },
            cancellationToken);

    /// <summary>Leaves topics; one that was not joined is left all the same.</summary>
    public Task<IReadOnlyList<ChannelAnswer>> LeaveAsync(Guid session, IReadOnlyList<string> topics, CancellationToken cancellationToken) =>
        WithSessionAsync(
            session,
            mustBeConnected: false,
            async connection =>
            {
                foreach (var topic in topics)
                {
                    await SubscriptionRegistry.LeaveAsync(connection, session, topic, cancellationToken);
                }

                return [.. topics.Select(ChannelAnswer.Ok)];
            },
            cancellationToken);

    /// <summary>Judges the session's channels anew for another caller; all of them, or those named.</summary>
    public Task<IReadOnlyList<ChannelAnswer>> RejoinAsync(
        Guid session, IReadOnlyList<string>? topics, Auth.Caller caller, CancellationToken cancellationToken) =>
        WithSessionAsync(
            session,
            mustBeConnected: true,
            async connection =>
            {
                var requests = await SubscriptionRegistry.RequestsOfAsync(connection, session, cancellationToken);
                var answers = new List<ChannelAnswer>();
                foreach (var topic in topics ?? [.. requests.Select(channel => channel.Key)])
                {
                    answers.Add(await RegisterAsync(connection, session, new ChannelJoin(topic, caller, [.. requests[topic]]), cancellationToken));
                }

                return answers;
            },
            cancellationToken);

    public void Dispose() => _places.Dispose();

    private async Task<IReadOnlyList<ChannelAnswer>> WithSessionAsync(
        Guid session, bool mustBeConnected, Func<NpgsqlConnection, Task<IReadOnlyList<ChannelAnswer>>> register, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken);
        try
        {
            await using var lease = await SessionLease.AcquireAsync(dataSource, session, cancellationToken);
            var user = session.ToString("N");
            if (mustBeConnected)
            {
                await RequireConnectedAsync(user, cancellationToken);
            }

            var before = await SubscriptionRegistry.GroupsOfAsync(lease.Connection, session, cancellationToken);
            var answers = await register(lease.Connection);
            var after = await SubscriptionRegistry.GroupsOfAsync(lease.Connection, session, cancellationToken);
            await MoveAsync(user, before, after, cancellationToken);
            return answers;
        }
        finally
        {
            _places.Release();
        }
    }

    // A service of many nodes may know of a connection a moment later than the client itself.
    private async Task RequireConnectedAsync(string user, CancellationToken cancellationToken)
    {
        for (var wait = _firstLook; !await delivery.IsUserConnectedAsync(user, cancellationToken); wait *= 2)
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

    private async Task<ChannelAnswer> RegisterAsync(NpgsqlConnection connection, Guid session, ChannelJoin join, CancellationToken cancellationToken)
    {
        try
        {
            var resolved = new List<ResolvedSubscription>(join.Requests.Count);
            foreach (var request in join.Requests)
            {
                resolved.Add(await resolver.ResolveAsync(connection, request, join.Caller.Role, cancellationToken));
            }

            var registration = new ChannelRegistration(session, join.Caller.Subject, join.Topic, join.Caller.Role, join.Caller.ExpiresAt, resolved);
            var groups = await SubscriptionRegistry.RegisterAsync(connection, registration, cancellationToken);
            return Joined(join, resolved, groups);
        }
        catch (SubscriptionException ex)
        {
            // What the topic had before does not outlive a join that was to replace it.
            await SubscriptionRegistry.LeaveAsync(connection, session, join.Topic, cancellationToken);
            return ChannelAnswer.Refused(join.Topic, ErrorAnswer.For(ex));
        }
    }

    private static ChannelAnswer Joined(ChannelJoin join, List<ResolvedSubscription> resolved, IReadOnlyList<long> groups) =>
        ChannelAnswer.Ok(join.Topic) with
        {
            PostgresChanges = [.. join.Requests.Zip(groups, (request, group) => new BindingAnswer
            {
                Id = group, Event = request.Event, Schema = request.Schema, Table = request.Table, Filter = request.Filter,
            })],
            System = resolved.Count == 0
                ? null
                : [
                    .. resolved.SelectMany(subscription => subscription.Notes).Select(note => new SystemNote("postgres_changes", note.IsError ? "error" : "ok", note.Message)).Distinct(),
                    new SystemNote("postgres_changes", "ok", "Subscribed to PostgreSQL"),
                ],
        };

    // Groups that the session had already are joined again: an earlier attempt may have registered and failed before it joined them.
    private async Task MoveAsync(string user, IReadOnlyList<long> before, IReadOnlyList<long> after, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = GroupCallsAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            after, parallel, async (group, token) => await delivery.AddUserToGroupAsync(user, SubscriberGroup.NameOf(group), token));
        await Parallel.ForEachAsync(
            before.Except(after), parallel, async (group, token) => await delivery.RemoveUserFromGroupAsync(user, SubscriberGroup.NameOf(group), token));
    }
}
