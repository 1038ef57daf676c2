using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Presence;

/// <summary>What a topic's presence may come to: so many members, and so many bytes of theirs.</summary>
public sealed class PresenceLimitsTests : IAsyncLifetime
{
    private const string Room = "room";

    private readonly List<PresenceMember> _members = [];
    private TestDatabase _database = null!;
    private RealtimeTestApp? _app;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.DisposeAsync();
        }

        await _app!.DisposeAsync();
        await _database.DisposeAsync();
        _app.Logs.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task A_full_topic_takes_nobody_more_keeps_who_is_there_and_takes_the_next_when_one_goes()
    {
        _app = await RealtimeTestApp.StartAsync(_database, "--Presence:MaxMembers=2");
        var (ada, bob, eve) = (await JoinAsync("ada"), await JoinAsync("bob"), await JoinAsync("eve"));
        await ada.TrackAsync(Room, new { n = 1 });
        await bob.TrackAsync(Room, new { n = 1 });

        await ExpectFullAsync(eve, new { n = 1 }, "Presence:MaxMembers");
        await ada.TrackAsync(Room, new { n = 2, text = "more than before" });
        await ExpectMembersAsync("ada", "bob");

        await bob.UntrackAsync(Room);
        await eve.TrackAsync(Room, new { n = 1 });
        await ExpectMembersAsync("ada", "eve");

        // Whom the sweep takes away makes room too.
        await ExpectFullAsync(bob, new { n = 1 }, "Presence:MaxMembers");
        await _database.ExecuteAsync($"update serverless_realtime.presence_session set seen_at = clock_timestamp() - interval '1 hour' where session_id = '{ada.Session}'");
        await Eventually.HoldsAsync(async () =>
        {
            await _app.Service<PresenceSweep>().SweepAsync(CancellationToken.None);
            return await _database.ScalarAsync<long>("select count(*) from serverless_realtime.presence") == 1;
        });
        await bob.TrackAsync(Room, new { n = 1 });
        await ExpectMembersAsync("bob", "eve");
    }

    [Fact]
    public async Task Many_who_come_at_once_are_no_more_than_the_topic_takes()
    {
        _app = await RealtimeTestApp.StartAsync(_database, "--Presence:MaxMembers=5");
        for (var i = 0; i < 12; i++)
        {
            await JoinAsync($"member {i}");
        }

        var answers = await Task.WhenAll(_members.Select(member => member.PostAsync("track", new { topic = Room, payload = new { } })));
        answers.Count(answer => answer.IsSuccessStatusCode).Should().Be(5);
        (await _database.ScalarAsync<long>("select count(*) from serverless_realtime.presence")).Should().Be(5);
        await ExpectCountsAsync();
        foreach (var answer in answers)
        {
            answer.Dispose();
        }
    }

    [Fact]
    public async Task Members_tell_no_more_bytes_than_the_topic_takes_and_whoever_tells_less_makes_room()
    {
        _app = await RealtimeTestApp.StartAsync(_database, "--Presence:TopicBytes=1024");
        var (ada, bob) = (await JoinAsync("ada"), await JoinAsync("bob"));
        await ada.TrackAsync(Room, new { text = new string('x', 600) });
        await ExpectFullAsync(bob, new { text = new string('x', 600) }, "Presence:TopicBytes");
        await bob.TrackAsync(Room, new { text = new string('x', 300) });
        await ExpectFullAsync(ada, new { text = new string('x', 800) }, "Presence:TopicBytes");
        (await ada.LookAsync(Room)).GetProperty("state").GetProperty("ada").GetProperty("metas")[0].GetProperty("text").GetString().Should().HaveLength(600);

        await ada.TrackAsync(Room, new { text = "x" });
        await bob.TrackAsync(Room, new { text = new string('x', 900) });
        await ExpectMembersAsync("ada", "bob");
    }

    private async Task<PresenceMember> JoinAsync(string key)
    {
        var member = await PresenceMember.JoinAsync(_app!, _database, Room, key);
        _members.Add(member);
        return member;
    }

    private static async Task ExpectFullAsync(PresenceMember member, object payload, string setting)
    {
        using var response = await member.PostAsync("track", new { topic = Room, payload });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        ((int)response.StatusCode, body.GetProperty("code").GetString()).Should().Be((400, "TopicFull"));
        body.GetProperty("message").GetString().Should().Contain(setting);
    }

    private async Task ExpectMembersAsync(params string[] keys)
    {
        (await _members[0].LookAsync(Room)).GetProperty("state").EnumerateObject().Select(key => key.Name).Should().BeEquivalentTo(keys);
        await ExpectCountsAsync();
    }

    // What is counted with each change is what there is.
    private async Task ExpectCountsAsync() => (await _database.ScalarAsync<bool>(
        """
        select (t.members, t.bytes) = (select count(*), sum(octet_length(p.key) + octet_length(p.meta)) from serverless_realtime.presence p)
        from serverless_realtime.presence_topic t
        """)).Should().BeTrue();
}
