namespace Serverless.EmbeddedSignalR;

/// <summary>A client came or went.</summary>
internal sealed record ConnectionEvent(bool IsConnected, string ConnectionId, string? UserId)
{
    public static ConnectionEvent Connected(string connectionId, string? userId) => new(true, connectionId, userId);

    public static ConnectionEvent Disconnected(string connectionId, string? userId) => new(false, connectionId, userId);

    /// <summary>The event's name in Azure SignalR's category <c>connections</c>.</summary>
    public string Name => IsConnected ? "connected" : "disconnected";
}
