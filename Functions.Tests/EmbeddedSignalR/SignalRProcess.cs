using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serverless.Delivery;
using Serverless.Support;

namespace Serverless.EmbeddedSignalR;

/// <summary>The look-alike as a process of its own would run it, on a loopback port that the system picks.</summary>
internal sealed class SignalRProcess : IAsyncDisposable
{
    public const string AccessKey = "a-key-for-tests-of-the-look-alike-0123456789";

    private readonly WebApplication _app;

    private SignalRProcess(WebApplication app, LogRecorder log)
    {
        _app = app;
        Log = log;
        Url = app.Urls.Single();
    }

    public string Url { get; }

    public LogRecorder Log { get; }

    public IServiceProvider Services => _app.Services;

    public string ConnectionString => $"Endpoint={Url};AccessKey={AccessKey};Version=1.0;";

    public AccessKeyTokens Tokens { get; } = new(AccessKey, TimeProvider.System);

    public string ClientUrl => $"{Url}/client/?hub=realtime";

    public static async Task<SignalRProcess> StartAsync(params string[] settings)
    {
        var log = new LogRecorder();
        var app = EmbeddedSignalRProcess.Build(
            ["signalr", "--urls=http://127.0.0.1:0", $"--EmbeddedSignalR:AccessKey={AccessKey}", "--Logging:LogLevel:Default=Warning", .. settings]);
        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
        await app.StartAsync();
        return new SignalRProcess(app, log);
    }

    public Task<HubClient> ConnectAsync(string user) =>
        HubClient.ConnectAsync(new Uri(ClientUrl), Tokens.Issue(ClientUrl, TimeSpan.FromMinutes(1), user));

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
