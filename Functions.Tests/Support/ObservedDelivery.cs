using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Serverless.Delivery;
using Serverless.EmbeddedSignalR;

namespace Serverless.Support;

/// <summary>The embedded service's delivery, with a test's own steps before its calls: to hold one up, to fail it, or to do something just then.</summary>
internal sealed class ObservedDelivery(IRealtimeDelivery inner) : IRealtimeDelivery
{
    public int MaxArgumentsBytes => inner.MaxArgumentsBytes;

    public bool IsLocal => inner.IsLocal;

    /// <summary>Before a message is sent to a group.</summary>
    public Func<string, CancellationToken, Task>? Sending { get; set; }

    /// <summary>Before a user joins a group.</summary>
    public Func<CancellationToken, Task>? Adding { get; set; }

    /// <summary>Before a user leaves a group.</summary>
    public Func<CancellationToken, Task>? Removing { get; set; }

    /// <summary>Answers whether a user is connected; null leaves that to the service.</summary>
    public Func<string, CancellationToken, Task<bool?>>? Looking { get; set; }

    /// <summary>Puts it in the place of the app's own delivery.</summary>
    public static void Install(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<EmbeddedDelivery>();
        builder.Services.AddSingleton(services => new ObservedDelivery(services.GetRequiredService<EmbeddedDelivery>()));
        builder.Services.AddSingleton<IRealtimeDelivery>(services => services.GetRequiredService<ObservedDelivery>());
    }

    public Task<ClientAccess> GrantAccessAsync(string userId, Uri publicOrigin, TimeSpan lifetime, CancellationToken cancellationToken) =>
        inner.GrantAccessAsync(userId, publicOrigin, lifetime, cancellationToken);

    public async Task SendToGroupAsync(string group, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken)
    {
        await (Sending?.Invoke(group, cancellationToken) ?? Task.CompletedTask);
        await inner.SendToGroupAsync(group, target, argumentsJson, cancellationToken);
    }

    public Task SendToUserAsync(string userId, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken) =>
        inner.SendToUserAsync(userId, target, argumentsJson, cancellationToken);

    public Task SendToAllAsync(string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken) =>
        inner.SendToAllAsync(target, argumentsJson, cancellationToken);

    public async Task AddUserToGroupAsync(string userId, string group, CancellationToken cancellationToken)
    {
        await (Adding?.Invoke(cancellationToken) ?? Task.CompletedTask);
        await inner.AddUserToGroupAsync(userId, group, cancellationToken);
    }

    public async Task RemoveUserFromGroupAsync(string userId, string group, CancellationToken cancellationToken)
    {
        await (Removing?.Invoke(cancellationToken) ?? Task.CompletedTask);
        await inner.RemoveUserFromGroupAsync(userId, group, cancellationToken);
    }

    public Task RemoveUserFromAllGroupsAsync(string userId, CancellationToken cancellationToken) =>
        inner.RemoveUserFromAllGroupsAsync(userId, cancellationToken);

    public async Task<bool> IsUserConnectedAsync(string userId, CancellationToken cancellationToken) =>
        (Looking is { } looking ? await looking(userId, cancellationToken) : null) ?? await inner.IsUserConnectedAsync(userId, cancellationToken);

    public Task CloseUserConnectionsAsync(string userId, string reason, CancellationToken cancellationToken) =>
        inner.CloseUserConnectionsAsync(userId, reason, cancellationToken);
}
