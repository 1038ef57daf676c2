using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Serverless.Delivery.AzureSignalR;

/// <summary>Delivers through the REST data plane of Azure SignalR in its serverless mode.</summary>
internal sealed class AzureSignalRDelivery(
    SignalRConnection connection, DataPlaneClient dataPlane, IOptions<DeliveryOptions> options, TimeProvider time) : IRealtimeDelivery
{
    private static readonly JsonWriterOptions _writerOptions = new() { SkipValidation = true };

    private readonly AccessKeyTokens _tokens = new(connection.AccessKey, time);
    private readonly string _clientUrl = $"{connection.ClientEndpoint}/client/?hub={Uri.EscapeDataString(options.Value.Hub)}";
    private readonly string _hub = $"/api/hubs/{Uri.EscapeDataString(options.Value.Hub)}";

    public int MaxArgumentsBytes => DeliveryLimits.MaxArgumentsBytes;

    public bool IsLocal => false;

    public Task<ClientAccess> GrantAccessAsync(string userId, Uri publicOrigin, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        DeliveryLimits.RequireName("user", userId);
        return Task.FromResult(new ClientAccess(new Uri(_clientUrl), _tokens.Issue(_clientUrl, lifetime, userId)));
    }

    public Task SendToGroupAsync(string group, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken) =>
        SendAsync(GroupPath(group), target, argumentsJson, "send to a group", cancellationToken);

    public Task SendToUserAsync(string userId, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken) =>
        SendAsync(UserPath(userId), target, argumentsJson, "send to a user", cancellationToken);

    public Task SendToAllAsync(string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken) =>
        SendAsync(_hub, target, argumentsJson, "send to everybody", cancellationToken);

    // Without ttl=0 the service would add the user's later connections too, for up to a year.
    public Task AddUserToGroupAsync(string userId, string group, CancellationToken cancellationToken) =>
        dataPlane.CallAsync(HttpMethod.Put, MembershipPath(userId, group), "&ttl=0", body: null, "add a user to a group", cancellationToken);

    public Task RemoveUserFromGroupAsync(string userId, string group, CancellationToken cancellationToken) =>
        dataPlane.CallAsync(HttpMethod.Delete, MembershipPath(userId, group), "", body: null, "remove a user from a group", cancellationToken);

    public Task RemoveUserFromAllGroupsAsync(string userId, CancellationToken cancellationToken) =>
        dataPlane.CallAsync(HttpMethod.Delete, $"{UserPath(userId)}/groups", "", body: null, "remove a user from all groups", cancellationToken);

    public Task<bool> IsUserConnectedAsync(string userId, CancellationToken cancellationToken) =>
        dataPlane.CallAsync(HttpMethod.Head, UserPath(userId), "", body: null, "check whether a user is connected", cancellationToken);

    public Task CloseUserConnectionsAsync(string userId, string reason, CancellationToken cancellationToken) =>
        dataPlane.CallAsync(
            HttpMethod.Post,
            $"{UserPath(userId)}/:closeConnections",
            $"&reason={Uri.EscapeDataString(reason)}",
            body: null,
            "close a user's connections",
            cancellationToken);

    private Task<bool> SendAsync(string path, string target, ReadOnlyMemory<byte> argumentsJson, string operation, CancellationToken cancellationToken)
    {
        DeliveryLimits.RequireArguments(argumentsJson);
        return dataPlane.CallAsync(HttpMethod.Post, $"{path}/:send", "", Message(target, argumentsJson), operation, cancellationToken);
    }

    private static ReadOnlyMemory<byte> Message(string target, ReadOnlyMemory<byte> argumentsJson)
    {
        var body = new ArrayBufferWriter<byte>(argumentsJson.Length + target.Length + 64);
        using (var writer = new Utf8JsonWriter(body, _writerOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("target"u8, target);
            writer.WritePropertyName("arguments"u8);
            writer.WriteRawValue(argumentsJson.Span, skipInputValidation: true);
            writer.WriteEndObject();
        }

        return body.WrittenMemory;
    }

    private string GroupPath(string group)
    {
        DeliveryLimits.RequireName("group", group);
        return $"{_hub}/groups/{Uri.EscapeDataString(group)}";
    }

    private string UserPath(string userId)
    {
        DeliveryLimits.RequireName("user", userId);
        return $"{_hub}/users/{Uri.EscapeDataString(userId)}";
    }

    private string MembershipPath(string userId, string group)
    {
        DeliveryLimits.RequireName("group", group);
        return $"{UserPath(userId)}/groups/{Uri.EscapeDataString(group)}";
    }
}
