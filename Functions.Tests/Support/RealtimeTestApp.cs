using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

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
        var started = new RealtimeTestApp(app, logs);
        await started.WaitUntilReadyAsync();
        return started;
    }

    /// <summary>Waits until <c>/readyz</c> says so.</summary>
    public async Task WaitUntilReadyAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var http = new HttpClient { BaseAddress = Url };
        while (true)
        {
            using var response = await http.GetAsync("/readyz", limit.Token);
            if (response.IsSuccessStatusCode)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
    }
}
