namespace Serverless.Delivery;

/// <summary>
/// Reaches connected clients: a SignalR service in its serverless mode, whoever runs it. A user is one session
/// (a random id from negotiate), so "the user's connections" is the session's connection.
/// </summary>
/// <remarks>
/// What every implementation promises is in the delivery contract tests. Sends to one group arrive in the order in which they were awaited; a group
/// nobody is in, and a user who is gone, are not errors. A send may be held up a moment for clients who are behind, never for long by one who does not read;
/// one who falls too far behind is disconnected. After a transient failure a message may arrive twice.
/// Groups and users have 1 to 1024 characters, any but blank ones and the names <c>.</c> and <c>..</c>.
/// Failures are <see cref="DeliveryException"/>.
/// </remarks>
internal interface IRealtimeDelivery
{
    /// <summary>The largest <c>arguments</c> JSON that one send may carry, in bytes.</summary>
    int MaxArgumentsBytes { get; }

    /// <summary>Whether clients connect to this process, so that no other can reach them.</summary>
    bool IsLocal { get; }

    /// <summary>Where and with which token a client connects as this user.</summary>
    /// <param name="publicOrigin">Scheme and authority under which the caller reached the app, for a service inside the process.</param>
    Task<ClientAccess> GrantAccessAsync(string userId, Uri publicOrigin, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Invokes <paramref name="target"/> on every connection of the group.</summary>
    /// <param name="argumentsJson">A UTF-8 JSON array.</param>
    Task SendToGroupAsync(string group, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken);

    /// <summary>Invokes <paramref name="target"/> on every connection of the user.</summary>
    Task SendToUserAsync(string userId, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken);

    /// <summary>Invokes <paramref name="target"/> on every connection there is.</summary>
    Task SendToAllAsync(string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken);

    /// <summary>Adds the user's live connections to the group; later connections of that user do not inherit it.</summary>
    Task AddUserToGroupAsync(string userId, string group, CancellationToken cancellationToken);

    Task RemoveUserFromGroupAsync(string userId, string group, CancellationToken cancellationToken);

    Task RemoveUserFromAllGroupsAsync(string userId, CancellationToken cancellationToken);

    Task<bool> IsUserConnectedAsync(string userId, CancellationToken cancellationToken);

    Task CloseUserConnectionsAsync(string userId, string reason, CancellationToken cancellationToken);
}

/// <summary>The answer of negotiate, as SignalR clients expect it.</summary>
/// <param name="Url">The service's client endpoint, with its <c>hub</c> query.</param>
/// <param name="AccessToken">A JWT for that endpoint.</param>
internal sealed record ClientAccess(Uri Url, string AccessToken);
