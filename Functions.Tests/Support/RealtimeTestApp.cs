using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serverless.Database;

namespace Serverless.Support;

/// <summary>The whole app on a port of its own, against a test's database. Only settings differ from production.</summary>
internal sealed class RealtimeTestApp : IAsyncDisposable
{
    private RealtimeTestApp(WebApplication app, LogRecorder logs)
    {
        App = app;
        Logs = logs;
        Url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public WebApplication App { get; }

    public LogRecorder Logs { get; }

    public Uri Url { get; }

    public static async Task<RealtimeTestApp> StartAsync(TestDatabase database, params string[] settings)
    {
        var app = RealtimeApp.Build([
            "--urls=http://127.0.0.1:0",
            "--Logging:LogLevel:Default=Warning",
            $"--Realtime:Postgres={database.ConnectionString}",
            $"--Realtime:JwtSecret={Tokens.Secret}",
            $"--Capture:Slot={database.Slot}",
            "--Capture:ReopenAfter=00:00:00.100",
            .. settings,
        ]);
        var logs = new LogRecorder();
        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(logs);
        await app.StartAsync();
        await app.Services.GetRequiredService<DatabaseReadiness>().WhenReadyAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        return new RealtimeTestApp(app, logs);
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
    }
}
