using Microsoft.Extensions.Options;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR;

/// <summary>Delivers to the SignalR service inside this process, without a detour over HTTP.</summary>
internal sealed class EmbeddedDelivery(
    ClientConnections connections,
    Handshakes handshakes,
    Broadcast broadcast,
    AccessKeyTokens tokens,
    IOptions<EmbeddedSignalROptions> options,
    IOptions<DeliveryOptions> delivery) : IRealtimeDelivery
{
    private static readonly HashSet<string> _nobody = [];

    public int MaxArgumentsBytes => DeliveryLimits.MaxArgumentsBytes;

    public bool IsLocal => true;

    public Task<ClientAccess> GrantAccessAsync(string userId, Uri publicOrigin, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        DeliveryLimits.RequireName("user", userId);
        var origin = options.Value.Port == 0
            ? publicOrigin.GetLeftPart(UriPartial.Authority)
            : $"http://127.0.0.1:{options.Value.Port}";
        var url = $"{origin}{ClientGate.Path}/?hub={Uri.EscapeDataString(delivery.Value.Hub)}";
        return Task.FromResult(new ClientAccess(new Uri(url), tokens.Issue(url, lifetime, userId)));
    }

    public Task SendToGroupAsync(string group, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken)
    {
        DeliveryLimits.RequireName("group", group);
        DeliveryLimits.RequireArguments(argumentsJson);
        var members = connections.OfGroup(group);
        return members.Count == 0
            ? Task.CompletedTask
            : broadcast.SendAsync(members, OutgoingMessage.Invocation(target, argumentsJson.Span), _nobody, cancellationToken);
    }

    public async Task SendToUserAsync(string userId, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken)
    {
        DeliveryLimits.RequireArguments(argumentsJson);
        await AwaitUserAsync(userId, cancellationToken);
        await broadcast.SendAsync(connections.OfUser(userId), OutgoingMessage.Invocation(target, argumentsJson.Span), _nobody, cancellationToken);
    }

    public Task SendToAllAsync(string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken)
    {
        DeliveryLimits.RequireArguments(argumentsJson);
        return broadcast.SendAsync(connections.All, OutgoingMessage.Invocation(target, argumentsJson.Span), _nobody, cancellationToken);
    }

    public async Task AddUserToGroupAsync(string userId, string group, CancellationToken cancellationToken)
    {
        DeliveryLimits.RequireName("group", group);
        await AwaitUserAsync(userId, cancellationToken);
        connections.AddUserToGroup(userId, group);
    }

    public async Task RemoveUserFromGroupAsync(string userId, string group, CancellationToken cancellationToken)
    {
        DeliveryLimits.RequireName("group", group);
        await AwaitUserAsync(userId, cancellationToken);
        connections.RemoveUserFromGroup(userId, group);
    }

    public async Task RemoveUserFromAllGroupsAsync(string userId, CancellationToken cancellationToken)
    {
        await AwaitUserAsync(userId, cancellationToken);
        connections.RemoveUserFromAllGroups(userId);
    }

    public async Task<bool> IsUserConnectedAsync(string userId, CancellationToken cancellationToken)
    {
        await AwaitUserAsync(userId, cancellationToken);
        return connections.OfUser(userId).Count > 0;
    }

    public async Task CloseUserConnectionsAsync(string userId, string reason, CancellationToken cancellationToken)
    {
        await AwaitUserAsync(userId, cancellationToken);
        foreach (var connection in connections.OfUser(userId))
        {
            connection.Close(reason);
        }
    }

    private Task AwaitUserAsync(string userId, CancellationToken cancellationToken)
    {
        DeliveryLimits.RequireName("user", userId);
        return handshakes.WaitAsync(userId, cancellationToken);
    }
}
