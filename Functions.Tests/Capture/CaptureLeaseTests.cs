namespace Serverless.Capture;

/// <summary>Several services on one slot.</summary>
public sealed class CaptureLeaseTests : IAsyncLifetime
{
    private readonly RecordingBus _first = new();
    private readonly RecordingBus _second = new();
    private readonly RecordingLog _secondLog = new();
    private CaptureDatabase _database = null!;
    private CaptureService _firstService = null!;

    public async Task InitializeAsync()
    {
        _database = await CaptureDatabase.CreateAsync();
        await _database.ExecuteAsync("create table items (id int primary key)");
        _firstService = await _database.StartAsync(_first);
        await _database.StartWithoutWaitingAsync(_second, logs: _secondLog);
        await _secondLog.WaitForAsync("StandingBy");
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task A_standby_takes_over_from_one_that_stops()
    {
        await _database.ExecuteAsync("insert into items values (1)");
        (await _first.NextRowAsync()).Should().Be("""{"id":1}""");

        await _database.StopAsync(_firstService);
        await _database.ExecuteAsync("insert into items values (2)");

        await UntilAsync(_second, """{"id":2}""");
    }

    [Fact]
    public async Task A_new_holder_ends_the_walsender_of_one_that_lost_its_lease()
    {
        await _database.ExecuteAsync("insert into items values (1)");
        await _first.NextAsync();

        await _database.ExecuteAsync("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())");
        await _secondLog.WaitForAsync("Streaming");
        await _database.ExecuteAsync("insert into items values (2)");

        await UntilAsync(_second, """{"id":2}""");
        _second.Epoch.Should().Be(_first.Epoch);
    }

    // What the predecessor had not confirmed comes again first.
    private static async Task UntilAsync(RecordingBus bus, string row)
    {
        while (await bus.NextRowAsync() != row)
        {
        }
    }
}
