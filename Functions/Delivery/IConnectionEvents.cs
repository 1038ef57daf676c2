namespace Serverless.Delivery;

/// <summary>Hears of connections from a SignalR service inside the process; one outside posts its events over HTTP instead.</summary>
/// <remarks>
/// The events of one connection come in order, one at a time, off the connection's own path. They are hints: a burst too large for the
/// queue or a crash loses some. An exception is logged and the event is not repeated.
/// </remarks>
internal interface IConnectionEvents
{
    Task OnConnectedAsync(string userId, string connectionId, CancellationToken cancellationToken);

    Task OnDisconnectedAsync(string userId, string connectionId, CancellationToken cancellationToken);
}
