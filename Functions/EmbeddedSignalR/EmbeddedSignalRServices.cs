using System.Security.Cryptography;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR;

/// <summary>Registers the look-alike of Azure SignalR in its serverless mode.</summary>
internal static class EmbeddedSignalRServices
{
    /// <summary>Runs the service inside this process, as the app's delivery. Does nothing where Azure SignalR is configured.</summary>
    public static void AddEmbeddedSignalR(this WebApplicationBuilder builder)
    {
        if (builder.Configuration.UsesAzureSignalR())
        {
            return;
        }

        var accessKey = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));
        builder.Services.AddSignalRLookAlike(accessKey);
        // Events of connections inside the process are told by calls; nothing is posted.
        builder.Services.PostConfigure<EmbeddedSignalROptions>(options => options.Upstream = null);
        builder.Services.AddSingleton<IRealtimeDelivery, EmbeddedDelivery>();
        builder.Services.AddHostedService<ClientListener>();
    }

    public static void AddSignalRLookAlike(this IServiceCollection services, string accessKey)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<EmbeddedSignalROptions>()
            .BindConfiguration(EmbeddedSignalROptions.Section)
            .ValidateDataAnnotations()
            .Validate(
                options => options.Upstream is not { Length: > 0 } || IsHttp(UpstreamEvents.Fill(options.Upstream, "hub", "connected")),
                "EmbeddedSignalR:Upstream must be an http or https address, such as http://127.0.0.1:5000/realtime/v1/signalr/events.")
            .Validate(
                options => options.UpstreamTimeout > TimeSpan.Zero && options.WaitForClients > TimeSpan.Zero,
                "EmbeddedSignalR:UpstreamTimeout and WaitForClients must be longer than zero.")
            .ValidateOnStart();
        services.AddSingleton(provider => new AccessKeyTokens(accessKey, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ClientConnections>();
        services.AddSingleton<Handshakes>();
        services.AddSingleton<Broadcast>();
        services.AddSingleton<UpstreamEvents>();
        services.AddSingleton<ConnectionEventQueue>();
        services.AddHostedService(provider => provider.GetRequiredService<ConnectionEventQueue>());
        services.AddClientEndpoint();
    }

    /// <summary>What the client endpoint needs beside the singletons above.</summary>
    public static void AddClientEndpoint(this IServiceCollection services)
    {
        // Browsers send the token of a WebSocket in its URL, and at Information this category writes whole URLs.
        services.AddLogging(logging => logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning));
        services.TryAddSingleton<ICorsService, CorsService>();
        services.AddSingleton<ClientGate>();
        services.AddSingleton<HubLifetimeManager<ClientHub>, ClientLifetime>();
        services.AddSignalR(options => options.SupportedProtocols = [OutgoingMessage.Protocol]);
    }

    private static bool IsHttp(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps);
}
