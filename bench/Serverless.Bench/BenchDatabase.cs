using Npgsql;

namespace Serverless.Bench;

/// <summary>
/// A database of a measurement's own on the server that <c>REALTIME_BENCH_POSTGRES</c> names (<c>./dev bench</c> starts one). Disposing it drops its replication slot and
/// the database itself.
/// </summary>
internal sealed class BenchDatabase : IAsyncDisposable
{
    private const string Variable = "REALTIME_BENCH_POSTGRES";

    private readonly NpgsqlDataSource _server;

    private BenchDatabase(NpgsqlDataSource server, string name)
    {
        _server = server;
        Name = name;
        ConnectionString = new NpgsqlConnectionStringBuilder(ServerConnectionString) { Database = name }.ConnectionString;
        DataSource = NpgsqlDataSource.Create(ConnectionString);
    }

    public string Name { get; }

    public string ConnectionString { get; }

    public NpgsqlDataSource DataSource { get; }

    /// <summary>A slot name that nobody else uses: slots belong to the whole server.</summary>
    public string Slot => "slot_" + Name;

    private static string ServerConnectionString => Environment.GetEnvironmentVariable(Variable)
        ?? throw new InvalidOperationException($"{Variable} is not set, so there is no PostgreSQL to measure with. Run './dev bench policies', which starts one.");

    public static async Task<BenchDatabase> CreateAsync()
    {
        var server = NpgsqlDataSource.Create(ServerConnectionString);
        var name = "b_" + Guid.NewGuid().ToString("N")[..16];
        await using var create = server.CreateCommand($"create database {name}");
        await create.ExecuteNonQueryAsync();
        return new BenchDatabase(server, name);
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<string> ShowAsync(string setting)
    {
        await using var command = DataSource.CreateCommand($"show {setting}");
        return (string)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Waits until the slot keeps changes, so that what is committed from now on is captured.</summary>
    public async Task WaitForSlotAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using var command = DataSource.CreateCommand(
            $"select exists (select from pg_replication_slots where slot_name = '{Slot}' and confirmed_flush_lsn is not null)");
        while (await command.ExecuteScalarAsync(limit.Token) is not true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await using var drop = _server.CreateCommand(
            $"select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '{Slot}' and active_pid is not null");
        await drop.ExecuteNonQueryAsync();
        await DropSlotAsync();
        drop.CommandText = $"drop database if exists {Name} with (force)";
        await drop.ExecuteNonQueryAsync();
        await _server.DisposeAsync();
    }

    // A terminated walsender lets go of its slot a moment later, so dropping waits for it.
    private async Task DropSlotAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await using var drop = _server.CreateCommand($"select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '{Slot}'");
        while (true)
        {
            try
            {
                await drop.ExecuteNonQueryAsync(limit.Token);
                return;
            }
            catch (PostgresException ex) when (ex.SqlState == PostgresErrorCodes.ObjectInUse)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, limit.Token);
            }
        }
    }
}
