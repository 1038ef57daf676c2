using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Options;

namespace Serverless.EmbeddedSignalR;

/// <summary>SignalR's view of <see cref="ClientConnections"/>: it hears of connections here, and hub code (there is none) would send through it.</summary>
internal sealed class ClientLifetime(
    ClientConnections connections,
    Handshakes handshakes,
    Broadcast broadcast,
    ConnectionEventQueue events,
    IOptions<EmbeddedSignalROptions> options,
    TimeProvider time,
    ILogger<ClientConnection> logger) : HubLifetimeManager<ClientHub>
{
    private static readonly HashSet<string> _nobody = [];

    public override Task OnConnectedAsync(HubConnectionContext connection)
    {
        connections.Add(new ClientConnection(connection, options.Value.PendingBytes, time, logger));
        if (connection.UserIdentifier is { } user)
        {
            handshakes.End(user, connection.ConnectionId);
        }

        events.Add(ConnectionEvent.Connected(connection.ConnectionId, connection.UserIdentifier));
        return Task.CompletedTask;
    }

    public override Task OnDisconnectedAsync(HubConnectionContext connection)
    {
        connections.Remove(connection.ConnectionId)?.Ended();
        events.Add(ConnectionEvent.Disconnected(connection.ConnectionId, connection.UserIdentifier));
        return Task.CompletedTask;
    }

    public override Task SendAllAsync(string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync(connections.All, methodName, args, _nobody, cancellationToken);

    public override Task SendAllExceptAsync(
        string methodName, object?[] args, IReadOnlyList<string> excludedConnectionIds, CancellationToken cancellationToken = default) =>
        SendAsync(connections.All, methodName, args, excludedConnectionIds.ToHashSet(), cancellationToken);

    public override Task SendConnectionAsync(string connectionId, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendConnectionsAsync([connectionId], methodName, args, cancellationToken);

    public override Task SendConnectionsAsync(
        IReadOnlyList<string> connectionIds, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync([.. connectionIds.Select(connections.Find).OfType<ClientConnection>()], methodName, args, _nobody, cancellationToken);

    public override Task SendGroupAsync(string groupName, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync(connections.OfGroup(groupName), methodName, args, _nobody, cancellationToken);

    public override Task SendGroupsAsync(
        IReadOnlyList<string> groupNames, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        Task.WhenAll(groupNames.Select(group => SendGroupAsync(group, methodName, args, cancellationToken)));

    public override Task SendGroupExceptAsync(
        string groupName, string methodName, object?[] args, IReadOnlyList<string> excludedConnectionIds, CancellationToken cancellationToken = default) =>
        SendAsync(connections.OfGroup(groupName), methodName, args, excludedConnectionIds.ToHashSet(), cancellationToken);

    public override Task SendUserAsync(string userId, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync(connections.OfUser(userId), methodName, args, _nobody, cancellationToken);

    public override Task SendUsersAsync(
        IReadOnlyList<string> userIds, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync([.. userIds.SelectMany(connections.OfUser)], methodName, args, _nobody, cancellationToken);

    public override Task AddToGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default)
    {
        connections.AddToGroup(connectionId, groupName);
        return Task.CompletedTask;
    }

    public override Task RemoveFromGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default)
    {
        connections.RemoveFromGroup(connectionId, groupName);
        return Task.CompletedTask;
    }

    private Task SendAsync(
        IReadOnlyCollection<ClientConnection> recipients, string target, object?[] args, HashSet<string> excluded, CancellationToken cancellationToken) =>
        broadcast.SendAsync(
            recipients, OutgoingMessage.Invocation(target, JsonSerializer.SerializeToUtf8Bytes(args, JsonSerializerOptions.Web)), excluded, cancellationToken);
}
