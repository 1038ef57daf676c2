using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Serverless.Support;

/// <summary>The whole app on a port of its own, against a test's database. Only settings differ from production.</summary>
internal sealed class RealtimeTestApp : IAsyncDisposable
{
    private RealtimeTestApp(WebApplication app, LogRecorder logs, MovedTime time)
    {
        Time = time;
        App = app;
        Logs = logs;
        Url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public WebApplication App { get; }

    public LogRecorder Logs { get; }

    public Uri Url { get; }

    /// <summary>The app's clock.</summary>
    public MovedTime Time { get; }

    public static Task<RealtimeTestApp> StartAsync(TestDatabase database, params string[] settings) => StartAsync(database, replace: null, settings);

    /// <summary>Starts the app and waits until it can serve.</summary>
    /// <param name="replace">Registrations that take the place of the app's own.</param>
    public static async Task<RealtimeTestApp> StartAsync(TestDatabase database, Action<WebApplicationBuilder>? replace, params string[] settings)
    {
        var started = await StartWithoutWaitingAsync(database, replace, settings);
        await started.WaitUntilReadyAsync();
        return started;
    }

    /// <summary>Starts an app that is not expected to be ready yet.</summary>
    public static async Task<RealtimeTestApp> StartWithoutWaitingAsync(TestDatabase database, Action<WebApplicationBuilder>? replace, params string[] settings)
    {
        var time = new MovedTime();
        string[] arguments =
        [
            "--urls=http://127.0.0.1:0",
            "--Logging:LogLevel:Default=Warning",
            $"--Realtime:Postgres={database.ConnectionString}",
            $"--Realtime:JwtSecret={Tokens.Secret}",
            $"--Capture:Slot={database.Slot}",
            "--Capture:ReopenAfter=00:00:00.100",
            .. settings,
        ];
        var app = RealtimeApp.Build(arguments, builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(time);
            replace?.Invoke(builder);
        });
        var logs = new LogRecorder();
        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(logs);
        await app.StartAsync();
        return new RealtimeTestApp(app, logs, time);
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
