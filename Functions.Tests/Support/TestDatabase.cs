using Npgsql;

namespace Serverless.Support;

/// <summary>
/// A database of the test's own on the server that <c>REALTIME_TEST_POSTGRES</c> names (<c>./dev test</c> starts one with
/// <c>wal_level=logical</c>). Disposing it ends its backends, drops its replication slots and the database itself.
/// </summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private const string Variable = "REALTIME_TEST_POSTGRES";

    private readonly string _adminConnectionString;

    private TestDatabase(string adminConnectionString, string name)
    {
        _adminConnectionString = adminConnectionString;
        Name = name;
        ConnectionString = new NpgsqlConnectionStringBuilder(adminConnectionString) { Database = name }.ConnectionString;
        DataSource = NpgsqlDataSource.Create(ConnectionString);
    }

    public string Name { get; }

    public string ConnectionString { get; }

    public NpgsqlDataSource DataSource { get; }

    /// <summary>A slot name no other test uses: slots belong to the whole server.</summary>
    public string Slot => "slot_" + Name;

    /// <summary>The server that tests share.</summary>
    public static string Server => Environment.GetEnvironmentVariable(Variable)
        ?? throw new InvalidOperationException($"{Variable} is not set, so there is no PostgreSQL to test against. Run './dev test', which starts one.");

    public static Task<TestDatabase> CreateAsync() => CreateAsync(Server);

    /// <param name="admin">A server, as its superuser.</param>
    public static async Task<TestDatabase> CreateAsync(string admin)
    {
        var name = "t_" + Guid.NewGuid().ToString("N")[..16];
        await using var server = NpgsqlDataSource.Create(admin);
        await using var create = server.CreateCommand($"create database {name}");
        await create.ExecuteNonQueryAsync();
        return new TestDatabase(admin, name);
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T?> ScalarAsync<T>(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        return await command.ExecuteScalarAsync() is T value ? value : default;
    }

    /// <summary>Waits until the test's slot keeps changes, so that what is committed from now on is captured.</summary>
    public async Task WaitForSlotAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await ScalarAsync<bool>($"select exists (select from pg_replication_slots where slot_name = '{Slot}' and confirmed_flush_lsn is not null)"))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await using var server = NpgsqlDataSource.Create(_adminConnectionString);
        await using var command = server.CreateCommand();
        command.CommandText = "select pg_terminate_backend(active_pid) from pg_replication_slots where database = $1 and active_pid is not null";
        command.Parameters.AddWithValue(Name);
        await command.ExecuteNonQueryAsync();
        await DropSlotsAsync(server);
        await using var drop = server.CreateCommand($"drop database if exists {Name} with (force)");
        await drop.ExecuteNonQueryAsync();
    }

    // A terminated walsender lets go of its slot a moment later, so dropping waits for it.
    private async Task DropSlotsAsync(NpgsqlDataSource server)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            try
            {
                await using var drop = server.CreateCommand("select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = $1");
                drop.Parameters.AddWithValue(Name);
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
