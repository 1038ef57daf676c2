using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serverless.Changes;
using Serverless.Hosting;

namespace Serverless.Support;

/// <summary>
/// A process with the hosting domain alone, on real sockets: under a Functions host or without one, and with a page at <c>/</c>. It has a
/// second port of its own, as embedded SignalR has.
/// </summary>
internal sealed class HostedApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private HostedApp(WebApplication app, RecordingSink sink, RecordedLogs logs, int port, int otherPort)
    {
        _app = app;
        Sink = sink;
        Logs = logs;
        Client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        OtherPortClient = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{otherPort}") };
    }

    public HttpClient Client { get; }

    public HttpClient OtherPortClient { get; }

    public RecordingSink Sink { get; }

    public RecordedLogs Logs { get; }

    public static async Task<HostedApp> StartAsync(bool underFunctionsHost = true)
    {
        var (port, otherPort) = (FreePort(), FreePort());
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration[FunctionsHost.PortVariable] = underFunctionsHost ? $"{port}" : null;
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, otherPort));
        if (!underFunctionsHost)
        {
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        }

        builder.UseFunctionsPort();
        var (sink, logs) = (new RecordingSink(), new RecordedLogs());
        builder.Services.AddSingleton<IChangeSink>(sink);
        builder.Logging.ClearProviders().AddProvider(logs);
        var app = builder.Build();
        app.MapGet("/", () => "the page");
        app.MapChangesTrigger();
        await app.StartAsync();
        return new HostedApp(app, sink, logs, port, otherPort);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        OtherPortClient.Dispose();
        await _app.DisposeAsync();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
