using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>An ordinary restart of PostgreSQL: nobody misses a change, and the log does not read as if something were broken.</summary>
public sealed class ServerRestartTests : IAsyncLifetime
{
    private OwnServer _server = null!;
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _server = await OwnServer.StartAsync();
        _database = await TestDatabase.CreateAsync(_server.ConnectionString);
        _app = await RealtimeTestApp.StartAsync(_database, "--Logging:LogLevel:Serverless.Capture=Information");
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key);
            grant select on todos to anon;
            select serverless_realtime.enable('todos');
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_restart_is_called_a_restart_and_costs_no_change()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var id = (await client.JoinAsync("room", new { table = "todos" }))[0];
        await _database.ExecuteAsync("insert into todos values (1)");
        await client.ChangesAsync(id, 1);

        await _server.StopAsync();
        await _server.StartAgainAsync();
        _database.DataSource.Clear();
        await _database.ExecuteAsync("insert into todos values (2)");

        // What had not been confirmed before comes again.
        while ((await client.ChangesAsync(id, 1))[^1].GetProperty("record").GetProperty("id").GetInt32() != 2)
        {
        }

        var said = _app.Logs.Entries.Where(entry => entry.Id.Id is (>= 2000 and < 3000) or (>= 6000 and < 7000)).Select(entry => entry.Text).ToList();
        said.Should().Contain(text => text.Contains("as it does when it shuts down")).And.NotContain(text => text.Contains("bug") || text.Contains("   at "));
    }
}
