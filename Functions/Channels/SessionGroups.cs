using Npgsql;
using Serverless.Delivery;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Registry;

namespace Serverless.Channels;

/// <summary>Makes a session's SignalR groups what its registrations say.</summary>
internal sealed partial class SessionGroups(IRealtimeDelivery delivery, TimeProvider time, ILogger<SessionGroups> logger)
{
    private const int CallsAtOnce = 8;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(15);

    /// <summary>Joins the groups that are new, then ends what the channels' topics had before, then leaves the groups that are no longer wanted.</summary>
    /// <remarks>
    /// Not cancelled with the caller's request: half-way, the connection would be in a group that no registration stands for. Where a step fails, the connection is closed,
    /// and with it every membership.
    /// </remarks>
    public async Task SettleAsync(NpgsqlConnection connection, Guid session, IReadOnlyList<JoinedChannel> channels)
    {
        using var limit = new CancellationTokenSource(_limit, time);
        var user = session.ToString("N");
        try
        {
            // Groups that the session had already are joined again: an earlier attempt may have ended before it joined them.
            var joined = await SubscriptionRegistry.MembershipsOfAsync(connection, session, limit.Token);
            await ForEachAsync(joined.Where(group => group.IsLive), group => delivery.AddUserToGroupAsync(user, group, limit.Token), limit.Token);

            foreach (var channel in channels)
            {
                await SubscriptionRegistry.LeaveAsync(connection, session, channel.Answer.Topic, channel.Subscriptions, limit.Token);
            }

            var unwanted = (await SubscriptionRegistry.MembershipsOfAsync(connection, session, limit.Token)).Where(group => !group.IsLive).ToList();
            await ForEachAsync(unwanted, group => delivery.RemoveUserFromGroupAsync(user, group, limit.Token), limit.Token);
            if (unwanted.Count > 0)
            {
                await SubscriptionRegistry.ForgetMembershipsAsync(connection, session, limit.Token);
            }
        }
        catch (Exception ex) when (ex is NpgsqlException or DeliveryException or OperationCanceledException)
        {
            Log.Unsettled(logger, ex);
            await CloseAsync(user);
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

    private static Task ForEachAsync(
        IEnumerable<(long Group, bool IsLive)> memberships, Func<string, Task> call, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            memberships,
            new ParallelOptions { MaxDegreeOfParallelism = CallsAtOnce, CancellationToken = cancellationToken },
            async (membership, _) => await call(SubscriberGroup.NameOf(membership.Group)));

    private static partial class Log
    {
        [LoggerMessage(5201, LogLevel.Warning, "A session's groups could not be brought up to date with its registrations; its connection is closed, and it begins anew.")]
        public static partial void Unsettled(ILogger logger, Exception exception);

        [LoggerMessage(5202, LogLevel.Error, "A connection could not be closed whose groups are not what its registrations say. Until it ends it may receive changes of topics it has left.")]
        public static partial void NotClosed(ILogger logger, Exception exception);
    }
}
