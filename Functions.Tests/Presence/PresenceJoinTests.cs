using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Presence;

/// <summary>Presence from the join to the end of the session, as a client meets it.</summary>
public sealed class PresenceJoinTests : IAsyncLifetime
{
    private const string Room = "room";

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
        _app.Logs.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task Whoever_joins_is_told_who_is_there_and_then_of_every_change()
    {
        await using var ada = await RealtimeClient.ConnectAsync(_app.Url);
        await JoinAsync(ada, "ada");
        await TrackAsync(ada, new { n = 1 });

        await using var bob = await RealtimeClient.ConnectAsync(_app.Url);
        var joined = await JoinAsync(bob, "bob");
        joined.GetProperty("state").GetProperty("ada").GetProperty("metas")[0].GetProperty("n").GetInt32().Should().Be(1);
        await TrackAsync(bob, new { n = 2 });

        var diff = await DiffAsync(bob);
        diff.GetProperty("previous").GetInt64().Should().Be(joined.GetProperty("version").GetInt64());
        diff.GetProperty("joins").EnumerateObject().Select(key => key.Name).Should().Equal("bob");
    }

    [Fact]
    public async Task Whoever_joins_or_tracks_is_told_how_often_to_call()
    {
        await using var ada = await RealtimeClient.ConnectAsync(_app.Url);
        (await JoinAsync(ada, "ada")).GetProperty("interval").GetInt32().Should().Be(30);
        using var http = RealtimeClient.Http(_app.Url);
        http.DefaultRequestHeaders.Add("x-realtime-session", ada.Session);
        using var tracked = await http.PostAsJsonAsync("/realtime/v1/presence/track", new { topic = Room, payload = new { } });
        (await tracked.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("interval").GetInt32().Should().Be(30);
        using var untracked = await http.PostAsJsonAsync("/realtime/v1/presence/untrack", new { topic = Room });
        (await untracked.Content.ReadFromJsonAsync<JsonElement>()).TryGetProperty("interval", out _).Should().BeFalse("nothing is to be kept alive");
    }

    [Fact]
    public async Task A_connection_that_ends_ends_presence_at_once()
    {
        await using var bob = await RealtimeClient.ConnectAsync(_app.Url);
        await JoinAsync(bob, "bob");
        var ada = await RealtimeClient.ConnectAsync(_app.Url);
        await JoinAsync(ada, "ada");
        await TrackAsync(ada, new { });
        await DiffAsync(bob);

        await ada.DisposeAsync();

        (await DiffAsync(bob)).GetProperty("leaves").EnumerateObject().Select(key => key.Name).Should().Equal("ada");
    }

    [Fact]
    public async Task Leaving_the_topic_or_joining_the_other_one_of_its_name_ends_presence_there()
    {
        await _database.ExecuteAsync(
            """
            create policy hear on realtime.messages for select to anon using (true);
            create policy send on realtime.messages for insert to anon with check (true);
            """);
        await using var bob = await RealtimeClient.ConnectAsync(_app.Url);
        await JoinAsync(bob, "bob");
        await using var ada = await RealtimeClient.ConnectAsync(_app.Url);
        for (var round = 0; round < 2; round++)
        {
            await JoinAsync(ada, "ada");
            await TrackAsync(ada, new { });
            (await DiffAsync(bob)).GetProperty("joins").EnumerateObject().Should().ContainSingle();
            if (round == 0)
            {
                using var left = await ada.PostAsync("leave", new { topic = Room });
            }
            else
            {
                await JoinAsync(ada, "ada", isPrivate: true);
            }

            (await DiffAsync(bob)).GetProperty("leaves").EnumerateObject().Should().ContainSingle();
        }
    }

    [Theory]
    [InlineData("__proto__")]
    [InlineData("constructor")]
    public async Task A_key_that_would_break_the_others_is_refused(string key)
    {
        await using var eve = await RealtimeClient.ConnectAsync(_app.Url);
        using var response = await eve.PostAsync("join", new { topic = Room, config = new { presence = new { enabled = true, key } } });
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().Should().Be("InvalidPresenceKey");
    }

    private static async Task<JsonElement> JoinAsync(RealtimeClient client, string key, bool isPrivate = false)
    {
        using var response = await client.PostAsync("join", new { topic = Room, config = new { @private = isPrivate, presence = new { enabled = true, key } } });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.IsSuccessStatusCode.Should().BeTrue("the join was answered {0}", body);
        return body.GetProperty("presence");
    }

    private async Task TrackAsync(RealtimeClient client, object payload)
    {
        using var http = RealtimeClient.Http(_app.Url);
        http.DefaultRequestHeaders.Add("x-realtime-session", client.Session);
        using var response = await http.PostAsJsonAsync("/realtime/v1/presence/track", new { topic = Room, payload });
        response.IsSuccessStatusCode.Should().BeTrue("the call was answered {0}", await response.Content.ReadAsStringAsync());
    }

    private static async Task<JsonElement> DiffAsync(RealtimeClient client) => (await client.Hub.NextAsync("presence_diff", RealtimeClient.Limit))[0];
}
