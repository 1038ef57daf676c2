using System.Diagnostics;
using System.Net;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>One client's filters cannot hold up the changes of another.</summary>
public sealed class SlowFilterTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    // Each of the twelve takes minutes over such a row. One at a time, with a second for each search among them, they took 23 seconds of every batch.
    [Fact]
    public async Task Many_patterns_without_end_delay_others_for_seconds_once()
    {
        await _database.ExecuteAsync("create table things (id int primary key, s text); grant select on things to anon; select serverless_realtime.enable('things', true)");
        await using var slow = await RealtimeClient.ConnectAsync(_app.Url);
        await using var other = await RealtimeClient.ConnectAsync(_app.Url);
        var subscriptions = Enumerable.Range(0, 12).Select(i => (object)new { table = "things", filter = $"s=match.\"^(a+)(a+)(a+)(a+)(a+)(a+)\\\\1\\\\2\\\\3\\\\4\\\\5\\\\6b$|^q{i}\"" }).ToArray();
        using (var response = await slow.PostAsync("join", new { topic = "bad", config = new { postgres_changes = subscriptions } }))
        {
            response.StatusCode.Should().Be(HttpStatusCode.OK);
        }

        var id = (await other.JoinAsync("room", new { table = "things" }))[0];
        var waits = new List<TimeSpan>();
        for (var i = 0; i < 4; i++)
        {
            var began = Stopwatch.GetTimestamp();
            await _database.ExecuteAsync($"insert into things values ({i}, repeat('a', 201) || 'b')");
            await other.ChangesAsync(id, 1);
            waits.Add(Stopwatch.GetElapsedTime(began));
        }

        waits.Sum(wait => wait.TotalSeconds).Should().BeLessThan(10, "the waits were {0}", string.Join(", ", waits));
        waits[1..].Should().OnlyContain(wait => wait < TimeSpan.FromSeconds(3));
        var notice = (await slow.Hub.NextAsync("system", RealtimeClient.Limit))[0];
        notice.GetProperty("code").GetString().Should().Be("FilterFailed");
        slow.Hub.Waiting("postgres_changes").Should().Be(0);
    }
}
