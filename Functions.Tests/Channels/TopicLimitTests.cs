using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Channels;

/// <summary>A session has at most a hundred topics with row changes.</summary>
public sealed class TopicLimitTests : IAsyncLifetime
{
    private const int Most = 100;

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key);
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
    public async Task One_topic_more_is_refused_until_another_is_left()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        using (var response = await client.PostAsync("join", new { channels = Enumerable.Range(1, Most).Select(number => Channel($"t{number}")) }))
        {
            var channels = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("channels").EnumerateArray();
            channels.Should().OnlyContain(channel => channel.GetProperty("status").GetString() == "ok");
        }

        using (var refused = await client.PostAsync("join", Channel("one more")))
        {
            refused.StatusCode.Should().Be(HttpStatusCode.BadRequest);
            (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().Should().Be("TooManyTopics");
        }

        // One of the hundred may be joined anew, for it is counted already.
        var ids = await client.JoinAsync("t1", new { table = "todos" });
        using (await client.PostAsync("leave", new { topic = "t2" }))
        {
        }

        (await client.JoinAsync("one more", new { table = "todos" })).Should().Equal(ids);
        (await _database.ScalarAsync<long>("select count(distinct topic) from serverless_realtime.subscription where left_at is null")).Should().Be(Most);
        await _database.ExecuteAsync("insert into todos values (1)");
        (await client.ChangesAsync(ids[0], 1)).Should().HaveCount(1);
    }

    [Fact]
    public async Task In_one_call_the_topics_beyond_the_limit_are_refused_and_the_others_joined()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinAsync("first", new { table = "todos" });

        using var response = await client.PostAsync("join", new { channels = Enumerable.Range(1, Most).Select(number => Channel($"t{number}")) });

        var channels = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("channels").EnumerateArray().ToList();
        channels.SkipLast(1).Should().OnlyContain(channel => channel.GetProperty("status").GetString() == "ok");
        channels[^1].GetProperty("code").GetString().Should().Be("TooManyTopics");
    }

    private static object Channel(string topic) => new { topic, config = new { postgres_changes = new[] { new { table = "todos" } } } };
}
