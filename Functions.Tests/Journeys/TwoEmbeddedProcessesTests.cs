using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Serverless.Bus;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>Two processes on one database, each with a SignalR service of its own inside: only the one that captures can serve.</summary>
public sealed class TwoEmbeddedProcessesTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private RealtimeTestApp _first = null!;
    private RealtimeTestApp _second = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _first = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key);
            grant select on todos to anon;
            select serverless_realtime.enable('todos', true);
            """);
        await StreamingAsync(_first);
        _second = await RealtimeTestApp.StartWithoutWaitingAsync(_database, replace: null);
    }

    public async Task DisposeAsync()
    {
        await _second.DisposeAsync();
        await _first.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task The_second_joins_nobody_until_it_has_taken_over_from_the_first()
    {
        await using var client = await RealtimeClient.ConnectAsync(_second.Url);
        foreach (var (call, body) in new (string, object)[]
        {
            ("join", new { topic = "room", config = new { postgres_changes = new[] { new { table = "todos" } } } }),
            ("access-token", new { access_token = Tokens.For("anon") }),
        })
        {
            using var refused = await client.PostAsync(call, body);
            refused.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
            (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().Should().Be("CaptureNotReady");
        }

        await ExpectServedAsync(_first, 1);
        await _first.App.StopAsync();
        await StreamingAsync(_second);

        var ids = await client.JoinAsync("room", new { table = "todos" });
        await _database.ExecuteAsync("insert into todos values (2)");
        while ((await client.ChangesAsync(ids[0], 1))[^1].GetProperty("record").GetProperty("id").GetInt32() != 2)
        {
            // What the first had sent and not yet confirmed to the server comes again.
        }
    }

    private async Task ExpectServedAsync(RealtimeTestApp app, int row)
    {
        await using var client = await RealtimeClient.ConnectAsync(app.Url);
        var ids = await client.JoinAsync("room", new { table = "todos" });
        await _database.ExecuteAsync($"insert into todos values ({row})");
        (await client.ChangesAsync(ids[0], 1)).Should().HaveCount(1);
    }

    private static Task StreamingAsync(RealtimeTestApp app) =>
        Eventually.HoldsAsync(() => app.App.Services.GetRequiredService<ChangeFeed>().ReachesThisProcess);
}
