using System.Text.Json;
using Serverless.Support;

namespace Serverless.Subscriptions.FanOut;

/// <summary>A TRUNCATE is of no row: whoever may read the table and wants every event hears of it, in its place among the others.</summary>
public sealed class TruncateTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key, owner uuid);
            grant select on todos to anon;
            alter table todos enable row level security;
            create policy open on todos for select using (owner is null);
            select serverless_realtime.enable('todos', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task It_arrives_in_order_where_every_event_is_wanted_and_nowhere_else()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = await client.JoinAsync("room", new { table = "todos" }, new { table = "todos", filter = "id=gt.5" }, new { table = "todos", @event = "DELETE" });
        await _database.ExecuteAsync("insert into todos values (1), (7); truncate todos; insert into todos values (8)");
        await _database.ExecuteAsync("delete from todos");

        var told = new Dictionary<long, List<JsonElement>>();
        while (!ids.All(id => told.TryGetValue(id, out var changes) && changes[^1].GetProperty("type").GetString() == "DELETE"))
        {
            var message = (await client.Hub.NextAsync("postgres_changes", RealtimeClient.Limit))[0];
            foreach (var id in message.GetProperty("ids").EnumerateArray())
            {
                told.TryAdd(id.GetInt64(), []);
                told[id.GetInt64()].AddRange(message.GetProperty("changes").EnumerateArray());
            }
        }

        told[ids[0]].Select(Type).Should().Equal("INSERT", "INSERT", "TRUNCATE", "INSERT", "DELETE");
        told[ids[1]].Select(Type).Should().Equal("INSERT", "TRUNCATE", "INSERT", "DELETE");
        told[ids[2]].Select(Type).Should().Equal("DELETE");
        var truncation = told[ids[0]][2];
        truncation.TryGetProperty("record", out _).Should().BeFalse();
        truncation.TryGetProperty("old_record", out _).Should().BeFalse();
        truncation.GetProperty("errors").ValueKind.Should().Be(JsonValueKind.Null);
    }

    private static string? Type(JsonElement change) => change.GetProperty("type").GetString();
}
