using Npgsql;
using Serverless.ChangeLog;
using Serverless.Delivery;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Registry;
using Serverless.Topics;

namespace Serverless.Channels;

/// <summary>Makes a session's SignalR groups what its registrations say.</summary>
internal sealed partial class SessionGroups(IRealtimeDelivery delivery, PartitionLeases partitions, TimeProvider time, ILogger<SessionGroups> logger)
{
    private const int CallsAtOnce = 8;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(15);

    /// <summary>Joins the groups that are new, then ends what the channels' topics had before. Groups of topics are left at once, those of row changes by <see cref="LeaveAsync"/>.</summary>
    /// <remarks>
    /// Not cancelled with the caller's request: half-way, the connection would be in a group that no registration stands for. Where a step fails, the connection is closed,
    /// and with it every membership.
    /// </remarks>
    /// <returns>The groups of row changes that the session is still in and that no registration of its stands for.</returns>
    public Task<IReadOnlyList<long>> JoinAsync(NpgsqlConnection connection, Guid session, IReadOnlyList<JoinedChannel> channels) => TryAsync(session, async token =>
    {
        // Groups that the session had already are joined again: an earlier attempt may have ended before it joined them.
        var memberships = await SubscriptionRegistry.MembershipsOfAsync(connection, session, token);
        IEnumerable<string> wanted = [.. memberships.Where(group => group.IsLive).Select(group => SubscriberGroup.NameOf(group.Group)), .. channels.SelectMany(channel => channel.Topic?.Groups ?? [])];
        await AddAsync(session, wanted, token);

        foreach (var channel in channels)
        {
            await SubscriptionRegistry.LeaveAsync(connection, session, channel.Answer.Topic, channel.Subscriptions, token);
            await LeaveFormerAsync(connection, session, channel, token);
        }

        return await UnwantedAsync(connection, session, token);
    });

    /// <summary>Takes the session's connection out of the groups of a topic that it is not to be in.</summary>
    public Task LeaveAsync(NpgsqlConnection connection, Guid session, string topic, IEnumerable<string> groups) => TryAsync(session, async token =>
    {
        await RemoveAsync(session, groups, token);
        await TopicRegistry.SettleAsync(connection, session, topic, token);
        return true;
    });

    private async Task LeaveFormerAsync(NpgsqlConnection connection, Guid session, JoinedChannel channel, CancellationToken cancellationToken)
    {
        var topic = channel.Answer.Topic;
        var former = channel.Topic is { } joined
            ? [.. channel.Groups.Except(joined.Groups)]
            : await TopicRegistry.LeaveAsync(connection, session, topic, cancellationToken) ?? [];
        if (former.Count > 0 || channel.Topic is null)
        {
            await RemoveAsync(session, former, cancellationToken);
            await TopicRegistry.SettleAsync(connection, session, topic, cancellationToken);
        }
    }

    /// <summary>Waits until what was judged before the session's new groups were registered has been sent to its former ones.</summary>
    /// <remarks>Called without the session's lease: who handles a batch may be waiting for that.</remarks>
    public Task WaitForSendsAsync(Guid session) => TryAsync(session, async token =>
    {
        await partitions.WaitForHoldersAsync(token);
        return true;
    });

    /// <summary>Leaves those of the groups that no registration of the session stands for: another call may have taken one up again.</summary>
    public Task LeaveAsync(NpgsqlConnection connection, Guid session, IReadOnlyList<long> groups) => TryAsync(session, async token =>
    {
        var unwanted = (await UnwantedAsync(connection, session, token)).Intersect(groups).ToList();
        await RemoveAsync(session, unwanted.Select(SubscriberGroup.NameOf), token);
        await SubscriptionRegistry.ForgetMembershipsAsync(connection, session, unwanted, token);
        return true;
    });

    /// <summary>Leaves what a call that ended half-way has left behind.</summary>
    public async Task TidyAsync(NpgsqlConnection connection, Guid session, CancellationToken cancellationToken)
    {
        await LeaveAsync(connection, session, await UnwantedAsync(connection, session, cancellationToken));
        foreach (var (topic, groups) in await TopicRegistry.UnsettledAsync(connection, session, cancellationToken))
        {
            await LeaveAsync(connection, session, topic, groups);
        }
    }

    private static async Task<IReadOnlyList<long>> UnwantedAsync(NpgsqlConnection connection, Guid session, CancellationToken cancellationToken) =>
        [.. (await SubscriptionRegistry.MembershipsOfAsync(connection, session, cancellationToken)).Where(group => !group.IsLive).Select(group => group.Group)];

    private async Task<T> TryAsync<T>(Guid session, Func<CancellationToken, Task<T>> step)
    {
        using var limit = new CancellationTokenSource(_limit, time);
        try
        {
            return await step(limit.Token);
        }
        catch (Exception ex) when (ex is NpgsqlException or DeliveryException or OperationCanceledException)
        {
            Log.Unsettled(logger, ex);
            await CloseAsync(session.ToString("N"));
            throw new DeliveryException(DeliveryError.Transient, "The session's groups could not be brought up to date.", ex);
        }
    }

    private async Task CloseAsync(string user)
    {
        try
        {
            using var limit = new CancellationTokenSource(_limit, time);
            await delivery.CloseUserConnectionsAsync(user, "The session's subscriptions could not be changed. Connect again.", limit.Token);
        }
        catch (Exception ex) when (ex is DeliveryException or OperationCanceledException)
        {
            Log.NotClosed(logger, ex);
        }
    }

    private Task AddAsync(Guid session, IEnumerable<string> groups, CancellationToken cancellationToken) =>
        ForEachAsync(groups, group => delivery.AddUserToGroupAsync(session.ToString("N"), group, cancellationToken), cancellationToken);

    private Task RemoveAsync(Guid session, IEnumerable<string> groups, CancellationToken cancellationToken) =>
        ForEachAsync(groups, group => delivery.RemoveUserFromGroupAsync(session.ToString("N"), group, cancellationToken), cancellationToken);

    private static Task ForEachAsync(IEnumerable<string> groups, Func<string, Task> call, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            groups,
            new ParallelOptions { MaxDegreeOfParallelism = CallsAtOnce, CancellationToken = cancellationToken },
            async (group, _) => await call(group));

    private static partial class Log
    {
        [LoggerMessage(5201, LogLevel.Warning, "A session's groups could not be brought up to date with its registrations; its connection is closed, and it begins anew.")]
        public static partial void Unsettled(ILogger logger, Exception exception);

        [LoggerMessage(5202, LogLevel.Error, "A connection could not be closed whose groups are not what its registrations say. Until it ends it may receive changes of topics it has left.")]
        public static partial void NotClosed(ILogger logger, Exception exception);
    }
}
