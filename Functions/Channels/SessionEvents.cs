using Serverless.Delivery;
using Serverless.Subscriptions.Registry;

namespace Serverless.Channels;

/// <summary>Ends a session's registrations when its connection is gone.</summary>
/// <remarks>What a SignalR service tells is a hint, late, lost or forged: whether the session is still connected is asked before anything is done.</remarks>
internal sealed class SessionEvents(SubscriptionRegistry registry, IRealtimeDelivery delivery) : IConnectionEvents
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
        if (!await delivery.IsUserConnectedAsync(session.ToString("N"), cancellationToken))
        {
            await registry.EndSessionAsync(session, cancellationToken);
        }
    }
}
