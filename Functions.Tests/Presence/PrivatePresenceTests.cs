using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Presence;

/// <summary>Who may be present on private topics and who may hear of it, by the policies on <c>realtime.messages</c>.</summary>
public sealed class PrivatePresenceTests : IAsyncLifetime
{
    private const string Room = "room";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database, "--Channels:AuthorizationTime=00:00:01");
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
        _app.Logs.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task Without_a_policy_nobody_is_present_and_nobody_hears()
    {
        await using var ada = await JoinAsync();
        using var refused = await ada.PostAsync("track", new { topic = Room, payload = new { } });
        await ExpectUnauthorizedAsync(refused, "INSERT");
        using var unheard = await ada.GetAsync("/realtime/v1/presence/room?private=true");
        await ExpectUnauthorizedAsync(unheard, "SELECT");

        // The public topic of that name is another.
        (await ada.LookAsync(Room)).GetProperty("private").GetBoolean().Should().BeFalse();
    }

    [Fact]
    public async Task A_policy_about_broadcasts_says_nothing_of_presence()
    {
        await _database.ExecuteAsync(
            """
            create policy send on realtime.messages for insert to anon with check (extension = 'broadcast' and realtime.topic() = 'room');
            create policy hear on realtime.messages for select to anon using (extension = 'broadcast' and realtime.topic() = 'room')
            """);
        await using var ada = await JoinAsync();
        using var refused = await ada.PostAsync("track", new { topic = Room, payload = new { } });
        await ExpectUnauthorizedAsync(refused, "INSERT");
        using var unheard = await ada.GetAsync("/realtime/v1/presence/room?private=true");
        await ExpectUnauthorizedAsync(unheard, "SELECT");
    }

    [Fact]
    public async Task With_policies_members_are_present_and_heard_of_on_that_topic_alone()
    {
        await _database.ExecuteAsync(
            """
            create policy send on realtime.messages for insert to anon with check (extension = 'presence' and realtime.topic() = 'room');
            create policy hear on realtime.messages for select to anon using (extension = 'presence' and realtime.topic() = 'room')
            """);
        await using var ada = await JoinAsync();
        await ada.TrackAsync(Room, new { n = 1 });

        (await ada.NextDiffAsync()).GetProperty("private").GetBoolean().Should().BeTrue();
        (await ada.LookAsync(Room, isPrivate: true)).GetProperty("state").EnumerateObject().Should().ContainSingle();
        (await ada.LookAsync(Room)).GetProperty("state").EnumerateObject().Should().BeEmpty();
        using var other = await ada.GetAsync("/realtime/v1/presence/other?private=true");
        other.StatusCode.Should().Be(HttpStatusCode.Forbidden);

        // Whoever loses the right to say more may still go.
        await _database.ExecuteAsync("drop policy send on realtime.messages");
        await Eventually.HoldsAsync(async () =>
        {
            using var response = await ada.PostAsync("track", new { topic = Room, payload = new { at = Guid.NewGuid() } });
            return response.StatusCode is HttpStatusCode.Forbidden;
        });
        await ada.UntrackAsync(Room);
        (await ada.LookAsync(Room, isPrivate: true)).GetProperty("state").EnumerateObject().Should().BeEmpty();
    }

    [Fact]
    public async Task A_policy_that_fails_lets_nobody_in()
    {
        await _database.ExecuteAsync(
            """
            create policy send on realtime.messages for insert to anon with check ((1 / 0) = 0);
            create policy hear on realtime.messages for select to anon using ((1 / 0) = 0)
            """);
        await using var ada = await JoinAsync();
        using var refused = await ada.PostAsync("track", new { topic = Room, payload = new { } });
        await ExpectUnauthorizedAsync(refused, "INSERT");
        using var unheard = await ada.GetAsync("/realtime/v1/presence/room?private=true");
        await ExpectUnauthorizedAsync(unheard, "SELECT");
    }

    [Fact]
    public async Task A_server_hears_by_its_own_rights_and_a_stranger_nothing()
    {
        await _database.ExecuteAsync(
            """
            create policy send on realtime.messages for insert to anon with check (extension = 'presence');
            create policy hear on realtime.messages for select to service_role using (true)
            """);
        await using var ada = await JoinAsync();
        await ada.TrackAsync(Room, new { n = 1 });

        using var server = RealtimeClient.Http(_app.Url, Tokens.For("service_role"));
        var topic = await server.GetFromJsonAsync<JsonElement>("/realtime/v1/presence/room?private=true");
        topic.GetProperty("state").GetProperty("ada").GetProperty("metas").GetArrayLength().Should().Be(1);

        using var nobody = new HttpClient { BaseAddress = _app.Url };
        using var unknown = await nobody.GetAsync("/realtime/v1/presence/room");
        unknown.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
    }

    private static async Task ExpectUnauthorizedAsync(HttpResponseMessage response, string names)
    {
        response.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        body.GetProperty("code").GetString().Should().Be("Unauthorized");
        body.GetProperty("message").GetString().Should().Contain(names).And.Contain("realtime.messages");
    }

    private Task<PresenceMember> JoinAsync() => PresenceMember.JoinAsync(_app, _database, Room, "ada", isPrivate: true);
}
