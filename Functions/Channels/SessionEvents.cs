using Npgsql;
using Serverless.Delivery;
using Serverless.Presence;
using Serverless.Subscriptions.Registry;
using Serverless.Topics;

namespace Serverless.Channels;

/// <summary>Ends a session's registrations when its connection is gone.</summary>
/// <remarks>What a SignalR service tells is a hint, late, lost or forged: whether the session is still connected is asked before anything is done.</remarks>
internal sealed class SessionEvents(NpgsqlDataSource dataSource, PresenceChanges presence, IRealtimeDelivery delivery) : IConnectionEvents
{
    public Task OnConnectedAsync(string userId, string connectionId, CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task OnDisconnectedAsync(string userId, string connectionId, CancellationToken cancellationToken)
    {
        if (Guid.TryParseExact(userId, "N", out var session))
        {
            await EndIfGoneAsync(session, cancellationToken);
        }
    }

    public async Task EndIfGoneAsync(Guid session, CancellationToken cancellationToken)
    {
        if (await delivery.IsUserConnectedAsync(session.ToString("N"), cancellationToken))
        {
            return;
        }

        // Looked at once more where no join of the same session can come in between: it may have connected again.
        await using (var lease = await SessionLease.AcquireAsync(dataSource, session, cancellationToken))
        {
            if (await delivery.IsUserConnectedAsync(session.ToString("N"), cancellationToken))
            {
                return;
            }

            await SubscriptionRegistry.EndSessionAsync(lease.Connection, session, cancellationToken);
            await TopicRegistry.EndSessionAsync(lease.Connection, session, cancellationToken);
        }

        await presence.LeaveAsync(session, topics: null, cancellationToken);
    }
}
