using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Presence;

/// <summary>What clients may send that is wrong: each is told why, and nobody else notices.</summary>
public sealed class BadPresenceTests : IAsyncLifetime
{
    private const string Room = "room";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;
    private PresenceMember _ada = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        _ada = await PresenceMember.JoinAsync(_app, _database, Room, "ada");
    }

    public async Task DisposeAsync()
    {
        await _ada.DisposeAsync();
        await _app.DisposeAsync();
        await _database.DisposeAsync();
        _app.Logs.Warnings.Should().BeEmpty();
    }

    [Theory]
    [InlineData("""{"topic":"room"}""", 400, "InvalidPresence")]
    [InlineData("""{"topic":"room","payload":null}""", 400, "InvalidPresence")]
    [InlineData("""{"topic":"room","payload":[1]}""", 400, "InvalidPresence")]
    [InlineData("""{"topic":"room","payload":{"a":1,"a":2}}""", 400, "InvalidPresence")]
    [InlineData("""{"topic":"","payload":{}}""", 400, "InvalidTopic")]
    [InlineData("""{"topic":"a\u0000b","payload":{}}""", 400, "InvalidTopic")]
    [InlineData("""{"payload":{}}""", 400, "InvalidTopic")]
    [InlineData("""{"topic":"other","payload":{}}""", 400, "TopicNotJoined")]
    [InlineData("""{"topic":7,"payload":{}}""", 400, "InvalidBody")]
    [InlineData("""{"topic":"room","payload":{}""", 400, "InvalidBody")]
    [InlineData("null", 400, "InvalidBody")]
    [InlineData("", 400, "InvalidBody")]
    public async Task A_call_that_is_wrong_says_how(string body, int status, string code)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await _ada.PostAsync("track", content);
        await ExpectRefusedAsync(response, status, code);
        await ExpectServedAsync();
    }

    [Fact]
    public async Task A_meta_larger_than_is_allowed_is_refused_and_costs_its_neighbours_in_the_call_nothing()
    {
        using (var alone = await _ada.PostAsync("track", new { topic = Room, payload = MetaOf(65_537) }))
        {
            await ExpectRefusedAsync(alone, 413, "PayloadTooLarge");
        }

        using var response = await _ada.PostAsync(
            "track", new { channels = new[] { new { topic = Room, payload = MetaOf(65_537) }, new { topic = Room, payload = MetaOf(20) } } });
        var answers = await response.Content.ReadFromJsonAsync<JsonElement>();
        answers.GetProperty("channels").EnumerateArray().Select(answer => answer.GetProperty("status").GetString()).Should().Equal("error", "ok");
    }

    [Theory]
    [InlineData("track")]
    [InlineData("untrack")]
    public async Task A_body_over_what_the_protocol_says_is_refused_and_one_as_large_is_taken(string call)
    {
        await ExpectServedAsync();
        using (var over = BodyOf(262_145))
        using (var refused = await _ada.PostAsync(call, over))
        {
            await ExpectRefusedAsync(refused, 413, "BodyTooLarge");
        }

        (await _ada.LookAsync(Room)).GetProperty("state").EnumerateObject().Should().ContainSingle("a call that is refused changes nothing");
        using var whole = BodyOf(262_144);
        using var taken = await _ada.PostAsync(call, whole);
        taken.StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_meta_as_large_as_is_allowed_arrives()
    {
        await _ada.TrackAsync(Room, MetaOf(65_536));
        var meta = (await _ada.NextDiffAsync()).GetProperty("joins").GetProperty("ada").GetProperty("metas")[0];
        meta.GetProperty("text").GetString()!.Length.Should().BeGreaterThan(65_500);
    }

    [Fact]
    public async Task Bytes_that_are_not_utf_8_are_refused_and_cost_the_neighbours_nothing()
    {
        using var content = new ByteArrayContent([.. """{"topic":"room","payload":{"a":" """u8, 0xc3, 0x28, .. "\"}}"u8]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await _ada.PostAsync("track", content);
        await ExpectRefusedAsync(response, 400, "InvalidPresence");
        await ExpectServedAsync();
    }

    [Fact]
    public async Task A_payload_nested_a_thousand_deep_is_refused()
    {
        using var content = new StringContent(
            """{"topic":"room","payload":{"a":""" + new string('[', 900) + new string(']', 900) + "}}", Encoding.UTF8, "application/json");
        using var response = await _ada.PostAsync("track", content);
        await ExpectRefusedAsync(response, 400, "InvalidPresence");

        using var deeper = new StringContent(new string('[', 200_000), Encoding.UTF8, "application/json");
        using var refused = await _ada.PostAsync("track", deeper);
        await ExpectRefusedAsync(refused, 400, "InvalidBody");
        await ExpectServedAsync();
    }

    [Fact]
    public async Task More_channels_than_a_call_may_hold_are_refused()
    {
        using var response = await _ada.PostAsync("track", new { channels = Enumerable.Repeat(new { topic = Room, payload = new { } }, 101) });
        await ExpectRefusedAsync(response, 400, "TooManyChannels");
    }

    [Fact]
    public async Task Calls_beyond_the_limit_are_refused_and_the_member_stays()
    {
        await ExpectServedAsync();
        for (var calls = 0; calls < 300; calls++)
        {
            using var response = await _ada.PostAsync("track", new { topic = Room, payload = new { calls } });
            if (!response.IsSuccessStatusCode)
            {
                await ExpectRefusedAsync(response, 429, "TooManyPresenceCalls");
                (await _ada.HeartbeatAsync()).GetProperty("tracked").GetArrayLength().Should().Be(1, "a heartbeat is counted by itself");
                return;
            }
        }

        throw new InvalidOperationException("300 changes of presence at once were let through.");
    }

    [Fact]
    public async Task A_session_token_of_another_user_is_refused()
    {
        await PresenceMember.RegisterAsync(_database, _ada.Session, Room, "ada", isPrivate: false, subject: "the first");
        await using var second = await PresenceMember.JoinAsync(_app, _database, Room, "eve", token: Tokens.For("authenticated", "the second"));
        foreach (var call in new[] { "track", "untrack", "heartbeat" })
        {
            using var http = RealtimeClient.Http(_app.Url, Tokens.For("authenticated", "the second"));
            http.DefaultRequestHeaders.Add("x-realtime-session", _app.SessionToken(_ada.Session));
            using var response = await http.PostAsJsonAsync($"/realtime/v1/presence/{call}", new { topic = Room, payload = new { } });
            await ExpectRefusedAsync(response, 403, "SessionMismatch");
        }
    }

    [Theory]
    [InlineData("track")]
    [InlineData("untrack")]
    [InlineData("heartbeat")]
    public async Task A_call_without_a_session_is_refused(string call)
    {
        using var http = RealtimeClient.Http(_app.Url);
        using var response = await http.PostAsJsonAsync($"/realtime/v1/presence/{call}", new { topic = Room, payload = new { } });
        await ExpectRefusedAsync(response, 401, "InvalidSession");
    }

    [Fact]
    public async Task A_topic_whose_token_has_expired_is_not_joined_but_may_be_left()
    {
        await _ada.TrackAsync(Room, new { });
        await _database.ExecuteAsync("update serverless_realtime.channel set suspended = true");
        _app.Time.Move(TimeSpan.FromHours(2));

        // This key is newer than the channel's token.
        await using var later = await PresenceMember.JoinAsync(_app, _database, "another", "ada", token: Tokens.For("anon", lifetime: TimeSpan.FromHours(5)));
        using var http = RealtimeClient.Http(_app.Url, Tokens.For("anon", lifetime: TimeSpan.FromHours(5)));
        http.DefaultRequestHeaders.Add("x-realtime-session", _app.SessionToken(_ada.Session));
        using (var refused = await http.PostAsJsonAsync("/realtime/v1/presence/track", new { topic = Room, payload = new { n = 1 } }))
        {
            await ExpectRefusedAsync(refused, 400, "TopicNotJoined");
        }

        using var left = await http.PostAsJsonAsync("/realtime/v1/presence/untrack", new { topic = Room });
        left.StatusCode.Should().Be(HttpStatusCode.OK);
        (await _database.ScalarAsync<long>("select count(*) from serverless_realtime.presence")).Should().Be(0);
    }

    [Theory]
    [InlineData("""{"status":"busy"}""", "InvalidStatus")]
    [InlineData("""{"status":7}""", "InvalidBody")]
    [InlineData("[]", "InvalidBody")]
    [InlineData("{", "InvalidBody")]
    public async Task A_heartbeat_that_is_wrong_says_how(string body, string code)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await _ada.PostAsync("heartbeat", content);
        await ExpectRefusedAsync(response, 400, code);
    }

    [Fact]
    public async Task A_question_that_is_wrong_says_how()
    {
        using (var tooLong = await _ada.GetAsync("/realtime/v1/presence/" + new string('x', 256)))
        {
            await ExpectRefusedAsync(tooLong, 400, "InvalidTopic");
        }

        using var neither = await _ada.GetAsync("/realtime/v1/presence/room?private=perhaps");
        await ExpectRefusedAsync(neither, 400, "InvalidBody");
    }

    private static object MetaOf(int bytes) => new { text = new string('x', bytes - """{"text":""}""".Length) };

    // Blanks count like anything else.
    private static StringContent BodyOf(int bytes) =>
        new("""{"topic":"room","payload":{}}""".PadRight(bytes), Encoding.UTF8, "application/json");

    private static async Task ExpectRefusedAsync(HttpResponseMessage response, int status, string code)
    {
        var body = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).Should().Be(status, body);
        JsonDocument.Parse(body).RootElement.GetProperty("code").GetString().Should().Be(code, body);
    }

    private async Task ExpectServedAsync()
    {
        await _ada.TrackAsync(Room, new { at = Guid.NewGuid() });
        await _ada.NextDiffAsync();
        _ada.View.Members.Should().ContainSingle();
        _ada.View.Holes.Should().Be(0);
    }
}
