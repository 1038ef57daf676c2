using System.Text.Json;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>A json value may be nested deeper than JSON readers take by themselves.</summary>
public sealed class NestedValueTests : IAsyncLifetime
{
    private const int Depth = 200;

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key, kind int, doc jsonb);
            grant select on todos to anon;
            select serverless_realtime.enable('todos', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_deeply_nested_value_arrives_and_costs_no_neighbour()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var all = await client.JoinAsync("all", new { table = "todos" });
        await using var other = await RealtimeClient.ConnectAsync(_app.Url);
        var some = await other.JoinAsync("some", new { table = "todos", filter = "kind=eq.1", select = new[] { "id", "doc" } });

        await _database.ExecuteAsync(
            $"""
            insert into todos select n, 1, case n when 3 then (repeat('[', {Depth}) || repeat(']', {Depth}))::jsonb end from generate_series(2, 5) n;
            """);

        await ExpectAsync(client, all[0]);
        await ExpectAsync(other, some[0]);
        _app.Logs.Warnings.Should().BeEmpty();
    }

    private static async Task ExpectAsync(RealtimeClient client, long id)
    {
        var records = (await client.ChangesAsync(id, 4)).Select(change => change.GetProperty("record")).ToList();
        records.Select(record => record.GetProperty("id").GetInt32()).Should().Equal(2, 3, 4, 5);
        DepthOf(records[1].GetProperty("doc")).Should().Be(Depth);
    }

    private static int DepthOf(JsonElement value) => value.GetArrayLength() == 0 ? 1 : 1 + DepthOf(value[0]);
}
