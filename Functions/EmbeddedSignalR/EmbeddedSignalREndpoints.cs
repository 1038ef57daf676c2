using System.Security.Claims;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Options;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR;

/// <summary>Maps where SignalR clients connect: WebSockets, server-sent events and long polling.</summary>
internal static class EmbeddedSignalREndpoints
{
    /// <summary>Maps nothing where Azure SignalR is configured, or where clients have a port of their own.</summary>
    public static void MapEmbeddedSignalR(this WebApplication app)
    {
        if (!app.Configuration.UsesAzureSignalR() && app.Services.GetRequiredService<IOptions<EmbeddedSignalROptions>>().Value.Port == 0)
        {
            app.MapClientEndpoint();
        }
    }

    public static void MapClientEndpoint(this WebApplication app)
    {
        var gate = app.Services.GetRequiredService<ClientGate>();
        var handshakes = app.Services.GetRequiredService<Handshakes>();
        app.MapConnections(ClientGate.Path, pipeline => pipeline.Use(next => connection => ConnectAsync(connection, next, handshakes)).UseHub<ClientHub>())
            .Add(endpoint => endpoint.RequestDelegate = gate.Guard(endpoint.RequestDelegate!));
    }

    private static async Task ConnectAsync(ConnectionContext connection, ConnectionDelegate next, Handshakes handshakes)
    {
        if (connection.Features.Get<IConnectionUserFeature>()?.User?.FindFirstValue(ClaimTypes.NameIdentifier) is not { } user)
        {
            await next(connection);
            return;
        }

        handshakes.Begin(user, connection.ConnectionId);
        try
        {
            await next(connection);
        }
        finally
        {
            handshakes.End(user, connection.ConnectionId);
        }
    }
}
