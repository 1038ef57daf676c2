using Microsoft.Extensions.Options;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR;

/// <summary>
/// Serves the client endpoint, and nothing else, on a loopback port of its own where <see cref="EmbeddedSignalROptions.Port"/> asks for one.
/// It begins with the app and ends with it.
/// </summary>
internal sealed class ClientListener(IServiceProvider services, IOptions<EmbeddedSignalROptions> options) : IHostedService, IAsyncDisposable
{
    private WebApplication? _listener;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Port == 0)
        {
            return;
        }

        _listener = Build();
        try
        {
            await _listener.StartAsync(cancellationToken);
        }
        catch (IOException ex)
        {
            throw new InvalidOperationException(
                $"EmbeddedSignalR:Port {options.Value.Port} cannot be listened on: {ex.Message} Free it or set another.", ex);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => _listener?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public ValueTask DisposeAsync() => _listener?.DisposeAsync() ?? ValueTask.CompletedTask;

    private WebApplication Build()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls($"http://127.0.0.1:{options.Value.Port}");
        builder.Services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true);

        // One service, two doors: who connects here is in the same lists.
        builder.Services.AddSingleton(services.GetRequiredService<ILoggerFactory>());
        builder.Services.AddSingleton(services.GetRequiredService<TimeProvider>());
        builder.Services.AddSingleton(services.GetRequiredService<IOptions<DeliveryOptions>>());
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(services.GetRequiredService<AccessKeyTokens>());
        builder.Services.AddSingleton(services.GetRequiredService<ClientConnections>());
        builder.Services.AddSingleton(services.GetRequiredService<Handshakes>());
        builder.Services.AddSingleton(services.GetRequiredService<Broadcast>());
        builder.Services.AddSingleton(services.GetRequiredService<ConnectionEventQueue>());
        builder.Services.AddClientEndpoint();

        var app = builder.Build();
        app.MapClientEndpoint();
        return app;
    }
}
