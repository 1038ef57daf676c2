using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>A commit in Postgres reaches a connected client: the whole app, embedded.</summary>
public sealed class RowChangesTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table public.todos (id int primary key, list_id int not null, title text, done boolean not null default false);
            grant select on public.todos to anon;
            select serverless_realtime.enable('public.todos', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Insert_update_and_delete_arrive_in_order()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = await client.JoinAsync("room", new { @event = "*", schema = "public", table = "todos" });

        await _database.ExecuteAsync("insert into todos values (1, 7, 'write'); update todos set title = 'rewrite'; delete from todos;");

        var changes = await client.ChangesAsync(ids[0], 3);
        changes.Select(change => change.GetProperty("type").GetString()).Should().Equal("INSERT", "UPDATE", "DELETE");
        changes[0].GetProperty("record").GetRawText().Should().Be("""{"id":1,"list_id":7,"title":"write","done":false}""");
        changes[0].TryGetProperty("old_record", out _).Should().BeFalse();
        changes[1].GetProperty("record").GetProperty("title").GetString().Should().Be("rewrite");
        changes[1].GetProperty("old_record").GetProperty("title").GetString().Should().Be("write");
        changes[2].GetProperty("old_record").GetProperty("id").GetInt32().Should().Be(1);
        changes[2].TryGetProperty("record", out _).Should().BeFalse();
    }
}
