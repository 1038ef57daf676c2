using Npgsql;

namespace Serverless.Chaos;

/// <summary>The PostgreSQL server whose files <c>./dev chaos</c> has made. It is started, stopped and crashed here.</summary>
internal sealed class PostgresServer(Settings settings) : IAsyncDisposable
{
    private Child? _process;

    public string ConnectionString { get; } =
        $"Host=127.0.0.1;Port={settings.PostgresPort};Username=postgres;Password={settings.PostgresPassword};Database=postgres;Maximum Pool Size=40;Timeout=10;Command Timeout=30";

    /// <summary>How often it was crashed: only then may the service lose its log.</summary>
    public int Crashes { get; private set; }

    public async Task StartAsync()
    {
        // A crash of PostgreSQL alone loses nothing that the kernel has, so it need not wait for the disk.
        string[] server =
        [
            $"{settings.PostgresPrograms}/postgres", "-D", settings.PostgresData, "-c", "wal_level=logical", "-c", "listen_addresses=127.0.0.1", "-c", $"port={settings.PostgresPort}",
            "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=300",
        ];
        // PostgreSQL refuses to run as root.
        string[] command = Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", .. server] : server;
        _process = new Child(command[0], command[1..], Path.Combine(settings.Logs, "postgres.log"));
        await Wait.UntilAsync("PostgreSQL answers", TimeSpan.FromSeconds(60), async () =>
        {
            await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
            await connection.OpenAsync();
            return true;
        });
    }

    /// <summary>Stops it as a restart of the machine does, and starts it again.</summary>
    public Task RestartAsync() => StartAgainAsync("INT");

    /// <summary>Ends it at once, and starts it again: it recovers, and its unlogged tables are empty.</summary>
    public Task CrashAsync()
    {
        Crashes++;
        return StartAgainAsync("QUIT");
    }

    public async ValueTask DisposeAsync()
    {
        await (_process?.EndAsync("INT") ?? Task.CompletedTask);
        _process?.Dispose();
    }

    private async Task StartAgainAsync(string signal)
    {
        await _process!.EndAsync(signal);
        _process.Dispose();
        await StartAsync();
    }
}
