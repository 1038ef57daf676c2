using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Serverless.Support;

/// <summary>
/// A PostgreSQL server of the test's own, for tests that stop it. The server that tests share starts it, on its own machine and as its own user, since PostgreSQL does not run as root.
/// </summary>
internal sealed class OwnServer : IAsyncDisposable
{
    private readonly NpgsqlDataSource _shared;
    private readonly string _programs;
    private readonly string _folder = $"/tmp/realtime-own-{Guid.NewGuid():N}";
    private readonly int _port = FreePort();

    private OwnServer(NpgsqlDataSource shared, string programs) => (_shared, _programs) = (shared, programs);

    /// <summary>As its superuser.</summary>
    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Username=postgres;Database=postgres";

    public static async Task<OwnServer> StartAsync()
    {
        var shared = NpgsqlDataSource.Create(TestDatabase.Server);
        await using var find = shared.CreateCommand("select setting from pg_config() where name = 'BINDIR'");
        var server = new OwnServer(shared, (string)(await find.ExecuteScalarAsync())!);
        await server.RunAsync($"{server._programs}/initdb -D {server._folder} -U postgres -A trust -N --locale=C -E UTF8");
        await server.StartAgainAsync();
        return server;
    }

    public Task StartAgainAsync() => RunAsync(
        $"{_programs}/pg_ctl -D {_folder} -w -l {_folder}/log -o \"-p {_port} -c wal_level=logical -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off\" start");

    /// <summary>Stops it as a restart of the system does: clients are cut off, the log is sent to its end.</summary>
    public Task StopAsync() => RunAsync($"{_programs}/pg_ctl -D {_folder} -w -m fast stop");

    public async ValueTask DisposeAsync()
    {
        await RunAsync($"{_programs}/pg_ctl -D {_folder} -w -m immediate stop; rm -rf {_folder}");
        await _shared.DisposeAsync();
    }

    // A program that does not read what is copied to it fails.
    private async Task RunAsync(string command)
    {
        await using var run = _shared.CreateCommand($"copy (select) to program '(cat; {command}) > /dev/null 2>&1'");
        await run.ExecuteNonQueryAsync();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
