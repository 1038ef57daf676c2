using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Serverless.Support;
using Serverless.Topics;

namespace Serverless.Presence;

/// <summary>What members do and what everybody on the topic is told of it.</summary>
public sealed class PresenceTests : IAsyncLifetime
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
    public async Task Whoever_comes_is_told_to_all_with_key_reference_and_payload()
    {
        await using var ada = await JoinAsync("ada");
        await using var bob = await JoinAsync("bob");
        var begun = bob.View.Version;

        await ada.TrackAsync(Room, new { status = "online" });

        foreach (var member in new[] { ada, bob })
        {
            var diff = await member.NextDiffAsync();
            var reference = RefOf(diff.GetProperty("joins"), "ada");
            var keys = """{"ada":{"metas":[{"phx_ref":"REF","status":"online"}]}}""".Replace("REF", reference, StringComparison.Ordinal);
            diff.GetRawText().Should().Be($$"""{"topic":"room","private":false,"previous":{{begun}},"version":{{begun + 1}},"joins":""" + keys + ""","leaves":{}}""");
            (await member.LookAsync(Room)).GetRawText().Should().Be($$"""{"topic":"room","private":false,"version":{{begun + 1}},"state":""" + keys + "}");
        }
    }

    [Fact]
    public async Task A_reference_is_random_and_fits_into_a_url()
    {
        await using var ada = await JoinAsync("ada");
        await using var bob = await JoinAsync("bob");
        await ada.TrackAsync(Room, new { });
        await bob.TrackAsync(Room, new { });

        var references = new[] { RefOf((await ada.NextDiffAsync()).GetProperty("joins"), "ada"), RefOf((await ada.NextDiffAsync()).GetProperty("joins"), "bob") };

        references.Should().OnlyHaveUniqueItems().And.AllSatisfy(reference => reference.Should().MatchRegex("^[A-Za-z0-9_-]{16}$"));
    }

    [Fact]
    public async Task Two_sessions_of_one_key_are_two_metas_and_leave_one_by_one()
    {
        await using var phone = await JoinAsync("ada");
        await using var laptop = await JoinAsync("ada");
        await phone.TrackAsync(Room, new { device = "phone" });
        await laptop.TrackAsync(Room, new { device = "laptop" });
        await phone.NextDiffAsync();
        await phone.NextDiffAsync();

        Devices((await phone.LookAsync(Room)).GetProperty("state")).Should().Equal("phone", "laptop");
        await phone.UntrackAsync(Room);

        var diff = await phone.NextDiffAsync();
        diff.GetProperty("joins").EnumerateObject().Should().BeEmpty();
        Devices(diff.GetProperty("leaves")).Should().Equal("phone");
        Devices((await phone.LookAsync(Room)).GetProperty("state")).Should().Equal("laptop");

        static IEnumerable<string?> Devices(JsonElement keys) =>
            keys.GetProperty("ada").GetProperty("metas").EnumerateArray().Select(meta => meta.GetProperty("device").GetString());
    }

    [Fact]
    public async Task Another_payload_keeps_the_reference_and_is_no_leave()
    {
        await using var ada = await JoinAsync("ada");
        await ada.TrackAsync(Room, new { status = "online" });
        var came = await ada.NextDiffAsync();

        await ada.TrackAsync(Room, new { status = "away" });

        var changed = await ada.NextDiffAsync();
        changed.GetProperty("leaves").EnumerateObject().Should().BeEmpty();
        RefOf(changed.GetProperty("joins"), "ada").Should().Be(RefOf(came.GetProperty("joins"), "ada"));
        changed.GetProperty("joins").GetProperty("ada").GetProperty("metas")[0].GetProperty("status").GetString().Should().Be("away");
    }

    [Fact]
    public async Task The_same_payload_again_is_no_change()
    {
        await using var ada = await JoinAsync("ada");
        await ada.TrackAsync(Room, new { status = "online" });
        var came = await ada.NextDiffAsync();

        await ada.TrackAsync(Room, new { status = "online" });
        await ada.UntrackAsync(Room);

        (await ada.NextDiffAsync()).GetProperty("previous").GetInt64().Should().Be(came.GetProperty("version").GetInt64());
    }

    [Fact]
    public async Task Whoever_is_not_present_may_be_made_absent()
    {
        await using var ada = await JoinAsync("ada");
        await ada.UntrackAsync(Room);
        await ada.UntrackAsync("a topic that nobody has joined");

        await ada.TrackAsync(Room, new { });
        (await ada.NextDiffAsync()).GetProperty("previous").GetInt64().Should().Be(ada.View.Version - 1);
        ada.View.Holes.Should().Be(0);
    }

    [Fact]
    public async Task What_a_session_wants_last_is_what_it_gets()
    {
        await using var ada = await JoinAsync("ada");
        await using var bob = await JoinAsync("bob");
        var queue = _app.App.Services.GetRequiredService<PresenceQueue>();
        var room = new PresenceTopic(Room, IsPrivate: false);
        for (var round = 0; round < 50; round++)
        {
            var wanted = new[] { """{"n":1}""", null, """{"n":2}""", null, $$"""{"round":{{round}}}""" };
            await Task.WhenAll(wanted.Select(meta => queue.ChangeAsync(room, new PresenceWish(ada.Session, meta), CancellationToken.None)));
            await Task.WhenAll(wanted.Reverse().Append(null).Select(meta => queue.ChangeAsync(room, new PresenceWish(bob.Session, meta), CancellationToken.None)));

            var state = (await ada.LookAsync(Room)).GetProperty("state");
            state.EnumerateObject().Select(key => key.Name).Should().Equal("ada");
            state.GetProperty("ada").GetProperty("metas")[0].GetProperty("round").GetInt32().Should().Be(round);
        }
    }

    [Fact]
    public async Task One_call_may_be_about_several_topics_and_answers_each_in_order()
    {
        await using var ada = await JoinAsync("ada");
        await PresenceMember.RegisterAsync(_database, ada.Session, "other", "ada of other", isPrivate: false, subject: null);

        using var response = await ada.PostAsync("track", new
        {
            channels = new object[]
            {
                new { topic = Room, payload = new { n = 1 } },
                new { topic = "not joined", payload = new { n = 2 } },
                new { topic = "other", payload = "text" },
                new { topic = "other", payload = new { n = 3 } },
            },
        });

        var channels = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("channels").EnumerateArray().ToList();
        channels.Select(channel => channel.GetProperty("status").GetString()).Should().Equal("ok", "error", "error", "ok");
        channels.Select(channel => channel.GetProperty("topic").GetString()).Should().Equal(Room, "not joined", "other", "other");
        channels.Where(channel => channel.TryGetProperty("code", out _)).Select(channel => channel.GetProperty("code").GetString())
            .Should().Equal("TopicNotJoined", "InvalidPresence");
        (await ada.HeartbeatAsync()).GetRawText().Should().Be("""{"interval":30,"tracked":["room","other"]}""");
        (await ada.LookAsync("other")).GetProperty("state").GetProperty("ada of other").GetProperty("metas").GetArrayLength().Should().Be(1);

        using var untracked = await ada.PostAsync("untrack", new { channels = new[] { new { topic = "other" }, new { topic = Room } } });
        (await untracked.Content.ReadAsStringAsync()).Should().Be("""{"channels":[{"topic":"other","status":"ok"},{"topic":"room","status":"ok"}]}""");
        (await ada.HeartbeatAsync()).GetProperty("tracked").GetArrayLength().Should().Be(0);
    }

    [Fact]
    public async Task A_session_that_leaves_topics_is_absent_there_and_one_that_ends_is_absent_everywhere()
    {
        await using var ada = await JoinAsync("ada");
        await using var bob = await JoinAsync("bob");
        await PresenceMember.RegisterAsync(_database, ada.Session, "other", "ada", isPrivate: false, subject: null);
        await ada.TrackAsync(Room, new { });
        await ada.TrackAsync("other", new { });
        await bob.NextDiffAsync();
        var changes = _app.App.Services.GetRequiredService<PresenceChanges>();

        await changes.LeaveAsync(ada.Session, [("other", true), ("nowhere", false)], CancellationToken.None);
        (await ada.HeartbeatAsync()).GetProperty("tracked").GetArrayLength().Should().Be(2, "the private topic of that name is another");
        await changes.LeaveAsync(ada.Session, [("other", false)], CancellationToken.None);
        (await ada.HeartbeatAsync()).GetProperty("tracked").EnumerateArray().Select(topic => topic.GetString()).Should().Equal(Room);
        await changes.LeaveAsync(ada.Session, topics: null, CancellationToken.None);

        (await bob.NextDiffAsync()).GetProperty("leaves").GetProperty("ada").GetProperty("metas").GetArrayLength().Should().Be(1);
        bob.View.Members.Should().BeEmpty();
    }

    [Fact]
    public async Task A_topic_joined_anew_under_another_key_moves_the_member()
    {
        await using var ada = await JoinAsync("ada");
        await ada.TrackAsync(Room, new { });
        await ada.NextDiffAsync();

        await PresenceMember.RegisterAsync(_database, ada.Session, Room, "lovelace", isPrivate: false, subject: null);
        await ada.TrackAsync(Room, new { });

        var diff = await ada.NextDiffAsync();
        diff.GetProperty("joins").EnumerateObject().Select(key => key.Name).Should().Equal("lovelace");
        diff.GetProperty("leaves").EnumerateObject().Select(key => key.Name).Should().Equal("ada");
        ada.View.Members.Should().ContainSingle().Which.Should().StartWith("lovelace ");
    }

    [Fact]
    public async Task What_this_instance_remembers_of_a_join_does_not_count_against_what_is_true()
    {
        await using var ada = await JoinAsync("ada");
        await ada.TrackAsync(Room, new { });

        await _database.ExecuteAsync("create policy present on realtime.messages for insert to anon with check (extension = 'presence')");
        await PresenceMember.RegisterAsync(_database, ada.Session, Room, "ada", isPrivate: true, subject: null);
        await ada.TrackAsync(Room, new { n = 2 });
        (await _database.ScalarAsync<string>("select meta from serverless_realtime.presence where private")).Should().Be("""{"n":2}""");

        await using (var connection = await _database.DataSource.OpenConnectionAsync())
        {
            await TopicRegistry.LeaveAsync(connection, ada.Session, Room, CancellationToken.None);
        }

        using var left = await ada.PostAsync("track", new { topic = Room, payload = new { n = 3 } });
        left.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        (await left.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().Should().Be("TopicNotJoined");
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a%2Fb")]
    [InlineData("über äöü 🐘")]
    [InlineData("a+b?c=d&e#f")]
    [InlineData("\"quoted\" \\ and <tagged>")]
    public async Task A_topic_and_a_key_may_hold_any_text(string name)
    {
        await using var member = await PresenceMember.JoinAsync(_app, _database, name, name);
        await member.TrackAsync(name, new { name });

        (await member.NextDiffAsync()).GetProperty("topic").GetString().Should().Be(name);
        var topic = await member.LookAsync(name);
        topic.GetProperty("topic").GetString().Should().Be(name);
        topic.GetProperty("state").GetProperty(name).GetProperty("metas")[0].GetProperty("name").GetString().Should().Be(name);
    }

    [Fact]
    public async Task A_topic_that_nobody_knows_is_empty_and_is_not_made_by_asking()
    {
        using var http = RealtimeClient.Http(_app.Url);
        var topic = await http.GetFromJsonAsync<JsonElement>("/realtime/v1/presence/nowhere");
        topic.GetProperty("state").EnumerateObject().Should().BeEmpty();
        topic.GetProperty("private").GetBoolean().Should().BeFalse();
        (await _database.ScalarAsync<long>("select count(*) from serverless_realtime.presence_topic")).Should().Be(0);

        await using var ada = await PresenceMember.JoinAsync(_app, _database, "nowhere", "ada");
        ada.View.Version.Should().BeGreaterThan(topic.GetProperty("version").GetInt64());
    }

    private static string RefOf(JsonElement keys, string key) => keys.GetProperty(key).GetProperty("metas")[0].GetProperty("phx_ref").GetString()!;

    private Task<PresenceMember> JoinAsync(string key) => PresenceMember.JoinAsync(_app, _database, Room, key);
}
