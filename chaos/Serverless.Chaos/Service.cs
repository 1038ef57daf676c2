using Npgsql;
using Serverless.Support;

namespace Serverless.Chaos;

/// <summary>The processes of the service: some apps, and the SignalR that they share. Each keeps its address over its deaths.</summary>
internal sealed class Service : IDisposable
{
    private const string AccessKey = "a-key-for-chaos-alone-that-is-long-enough-0123456789";

    // The app as it was built with this program, in the same configuration.
    private static readonly string _app = Path.GetFullPath(Path.Combine(
        AppContext.BaseDirectory, "../../../../../Functions/bin", Directory.GetParent(AppContext.BaseDirectory.TrimEnd('/'))!.Name, "net10.0/Serverless.Functions.dll"));

    private readonly Settings _settings;
    private readonly PostgresServer _postgres;
    private readonly Child?[] _apps;
    private readonly int _signalRPort = Settings.FreePort();
    private Child? _signalR;

    public Service(Settings settings, PostgresServer postgres)
    {
        (_settings, _postgres) = (settings, postgres);
        _apps = new Child?[Settings.Apps];
        Urls = [.. _apps.Select(_ => new Uri($"http://127.0.0.1:{Settings.FreePort()}"))];
    }

    /// <summary>Where the apps listen, by their number.</summary>
    public IReadOnlyList<Uri> Urls { get; }

    public async Task StartAsync()
    {
        StartSignalR();
        for (var app = 0; app < _apps.Length; app++)
        {
            StartApp(app);
        }

        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        foreach (var url in Urls)
        {
            await Wait.UntilAsync($"{url} is ready", TimeSpan.FromSeconds(120), async () =>
            {
                using var response = await http.GetAsync(new Uri(url, "/readyz"));
                return response.IsSuccessStatusCode;
            });
        }
    }

    /// <summary>The app that streams from the replication slot, or null where none does at the moment.</summary>
    public async Task<int?> CapturingAppAsync()
    {
        try
        {
            await using var connection = new NpgsqlConnection(_postgres.ConnectionString);
            await connection.OpenAsync();
            await using var find = new NpgsqlCommand("select application_name from pg_stat_replication where application_name like 'chaos-%' limit 1", connection);
            return await find.ExecuteScalarAsync() is string name ? name[^1] - '0' : null;
        }
        catch (Exception ex) when (Wait.IsTrouble(ex))
        {
            return null;
        }
    }

    public async Task KillAppAsync(int app)
    {
        await _apps[app]!.KillAsync();
        _apps[app]!.Dispose();
    }

    public void StartApp(int app) => _apps[app] = new Child(
        "dotnet",
        [
            _app, $"--urls={Urls[app]}", $"--Realtime:Postgres={_postgres.ConnectionString};Application Name=chaos-{app}", $"--Realtime:JwtSecret={Tokens.Secret}",
            $"--AzureSignalRConnectionString=Endpoint=http://127.0.0.1:{_signalRPort};AccessKey={AccessKey};Version=1.0;", "--ChangeLog:Retention=00:01:00",
        ],
        Path.Combine(_settings.Logs, $"app-{app}.log"));

    public async Task KillSignalRAsync()
    {
        await _signalR!.KillAsync();
        _signalR.Dispose();
    }

    public void StartSignalR() => _signalR = new Child(
        "dotnet", [_app, "signalr", $"--urls=http://127.0.0.1:{_signalRPort}", $"--EmbeddedSignalR:AccessKey={AccessKey}"], Path.Combine(_settings.Logs, "signalr.log"));

    public void Dispose()
    {
        foreach (var child in _apps.Append(_signalR))
        {
            child?.Dispose();
        }
    }
}
