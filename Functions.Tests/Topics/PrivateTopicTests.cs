using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Serverless.Broadcast;
using Serverless.Channels;
using Serverless.Support;

namespace Serverless.Topics;

/// <summary>Private topics are for those whom policies on <c>realtime.messages</c> let in, and only as long as they do.</summary>
public sealed class PrivateTopicTests : IAsyncLifetime
{
    private const string Ada = "11111111-1111-1111-1111-111111111111";
    private const string Eve = "22222222-2222-2222-2222-222222222222";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database, "--Channels:AuthorizationTime=00:00:01", "--Channels:PolicyLimit=00:00:00.300");
        await _database.ExecuteAsync(
            """
            create table members (room text, user_id uuid, may_send boolean default true, primary key (room, user_id));
            alter table members enable row level security;
            create policy own on members for select to authenticated using (user_id = auth.uid());
            grant select on members to authenticated;
            create policy hear on realtime.messages for select to authenticated
              using (exists (select from members m where m.room = realtime.topic() and m.user_id = (select auth.uid())));
            create policy say on realtime.messages for insert to authenticated
              with check (extension = 'broadcast' and exists (select from members m where m.room = realtime.topic() and m.may_send));
            """);
        await _database.ExecuteAsync($"insert into members values ('room', '{Ada}')");
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Only_whom_a_policy_lets_hear_may_join()
    {
        await using var ada = await ConnectAsync(Ada);
        await ada.JoinTopicAsync("room", new { @private = true });
        await using var eve = await ConnectAsync(Eve);

        using var refused = await eve.PostAsync("join", new { topic = "room", config = new { @private = true } });

        refused.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().Should().Be("Unauthorized");
        (await _database.ScalarAsync<long>("select count(*) from realtime.messages")).Should().Be(0, "asking leaves nothing behind");
    }

    [Fact]
    public async Task A_public_topic_of_the_same_name_is_another_one()
    {
        await using var ada = await ConnectAsync(Ada);
        await ada.JoinTopicAsync("room", new { @private = true });
        await using var eve = await ConnectAsync(Eve);
        await eve.JoinTopicAsync("room", new { });

        (await ada.BroadcastAsync(new { topic = "room", @private = true, @event = "secret" })).Should().Equal("ok");
        (await eve.BroadcastAsync(new { topic = "room", @private = true, @event = "forged" }, new { topic = "room", @event = "open" }))
            .Should().Equal("TopicNotJoined", "ok");

        (await ada.MessagesAsync(1)).Select(message => message.Event()).Should().Equal("secret");
        (await eve.MessagesAsync(1)).Select(message => message.Event()).Should().Equal("open");
        ada.Hub.Waiting("broadcast").Should().Be(0);
    }

    [Fact]
    public async Task Who_may_hear_and_not_send_is_told_so()
    {
        await _database.ExecuteAsync($"insert into members values ('room', '{Eve}', false)");
        await using var eve = await ConnectAsync(Eve);
        await eve.JoinTopicAsync("room", new { @private = true });

        (await eve.BroadcastAsync(new { topic = "room", @private = true, @event = "e" })).Should().Equal("Unauthorized");

        // What was found out holds for a bounded time.
        await _database.ExecuteAsync("update members set may_send = true");
        await Eventually.HoldsAsync(async () => (await eve.BroadcastAsync(new { topic = "room", @private = true, @event = "e" }))[0] == "ok");
    }

    [Fact]
    public async Task Who_loses_the_right_hears_no_more_and_is_told()
    {
        await using var ada = await ConnectAsync(Ada);
        await ada.JoinTopicAsync("room", new { @private = true, postgres_changes = Array.Empty<object>() });
        await _database.ExecuteAsync("delete from members");

        var closed = (await ada.Hub.NextAsync("close", RealtimeClient.Limit))[0];
        closed.GetProperty("topics")[0].GetString().Should().Be("room");
        closed.GetProperty("reason").GetString().Should().StartWith("Unauthorized:");

        await ada.JoinTopicAsync("other", new { });
        await _database.ExecuteAsync("select realtime.send('{}', 'late', 'room'); select realtime.send('{}', 'open', 'other', false)");
        (await ada.MessagesAsync(1))[0].Event().Should().Be("open");
    }

    [Fact]
    public async Task A_new_token_is_judged_anew()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinTopicAsync("room", new { @private = true }, Tokens.For("authenticated", Ada));
        await client.JoinTopicAsync("other", new { });

        using var response = await client.PostAsync("access-token", new { access_token = Tokens.For("anon") });
        var channels = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("channels").EnumerateArray()
            .ToDictionary(channel => channel.GetProperty("topic").GetString()!, channel => channel.GetProperty("status").GetString());
        channels.Should().BeEquivalentTo(new Dictionary<string, string> { ["room"] = "error", ["other"] = "ok" });

        await _database.ExecuteAsync("select realtime.send('{}', 'secret', 'room'); select realtime.send('{}', 'open', 'other', false)");
        (await client.MessagesAsync(1))[0].Event().Should().Be("open");
    }

    [Fact]
    public async Task A_channel_whose_token_has_expired_is_silent_until_it_brings_a_new_one()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url, Tokens.For("anon", lifetime: TimeSpan.FromHours(9)));
        await client.JoinTopicAsync("room", new { @private = true }, Tokens.For("authenticated", Ada, TimeSpan.FromHours(1)));
        await client.JoinTopicAsync("other", new { });
        _app.Time.Move(TimeSpan.FromHours(2));
        await _app.App.Services.GetServices<IHostedService>().OfType<ReviewService>().Single().ReviewAsync(CancellationToken.None);

        var notice = (await client.Hub.NextAsync("system", RealtimeClient.Limit))[0];
        notice.GetProperty("code").GetString().Should().Be("TokenExpired");
        notice.GetProperty("topics").EnumerateArray().Select(topic => topic.GetString()).Should().Equal("room");
        await _database.ExecuteAsync("select realtime.send('{}', 'secret', 'room'); select realtime.send('{}', 'open', 'other', false)");
        (await client.MessagesAsync(1))[0].Event().Should().Be("open");

        using (await client.PostAsync("access-token", new { access_token = Tokens.For("authenticated", Ada, TimeSpan.FromHours(9)), topics = new[] { "room" } }))
        {
        }

        await _database.ExecuteAsync("select realtime.send('{}', 'again', 'room')");
        (await client.MessagesAsync(1))[0].Event().Should().Be("again");
    }

    [Fact]
    public async Task A_policy_that_fails_lets_nobody_in()
    {
        await _database.ExecuteAsync("create policy broken on realtime.messages for select to authenticated using (1 / 0 = 1)");
        await using var ada = await ConnectAsync(Ada);

        using var refused = await ada.PostAsync("join", new { topic = "room", config = new { @private = true } });

        refused.StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_policy_that_never_ends_lets_nobody_in_and_keeps_no_other_right_from_being_judged()
    {
        await using var ada = await ConnectAsync(Ada);
        await ada.JoinTopicAsync("room", new { @private = true });
        await _database.ExecuteAsync(
            "create policy slow on realtime.messages as restrictive for select to anon using (pg_sleep(600) is null); create policy everybody on realtime.messages for select to anon using (true)");
        await using var stranger = await RealtimeClient.ConnectAsync(_app.Url);

        using var refused = await stranger.PostAsync("join", new { topic = "room", config = new { @private = true } });

        refused.StatusCode.Should().Be(HttpStatusCode.Forbidden);

        // The same two in one question: she loses her right all the same, and he has none.
        var authorization = _app.App.Services.GetRequiredService<TopicAuthorization>();
        await _database.ExecuteAsync("delete from members");
        TopicQuestion[] questions =
        [
            new("anon", "00", """{"role":"anon"}""", "room"),
            new("authenticated", "01", $$"""{"role":"authenticated","sub":"{{Ada}}"}""", "room"),
        ];
        (await authorization.ToHearAsync(questions, CancellationToken.None)).Select(rights => (rights.Any, rights.Failure)).Should().Equal((false, "57014"), (false, null));
    }

    [Fact]
    public async Task Plans_that_a_function_keeps_serve_no_other_caller()
    {
        await _database.ExecuteAsync(
            $$"""
            create function whoami() returns uuid language sql immutable as 'select auth.uid()';
            create function is_ada() returns boolean language plpgsql stable as 'begin return whoami() = ''{{Ada}}''; end';
            grant execute on function whoami(), is_ada() to authenticated;
            drop policy hear on realtime.messages;
            create policy hear on realtime.messages for select to authenticated using (is_ada());
            """);
        var authorization = _app.App.Services.GetRequiredService<TopicAuthorization>();
        var ada = new TopicQuestion("authenticated", "01", $$"""{"role":"authenticated","sub":"{{Ada}}"}""", "room");
        var eve = new TopicQuestion("authenticated", "02", $$"""{"role":"authenticated","sub":"{{Eve}}"}""", "room");

        (await authorization.ToHearAsync([ada, ada, ada, ada, ada, ada, ada, eve, ada, eve], CancellationToken.None)).Select(rights => rights.Any)
            .Should().Equal(true, true, true, true, true, true, true, false, true, false);
    }

    [Fact]
    public async Task Claims_that_an_immutable_function_reads_are_each_callers_own()
    {
        await _database.ExecuteAsync(
            """
            create function whoami() returns uuid language sql immutable as $$ select auth.uid() $$;
            grant execute on function whoami() to authenticated;
            drop policy hear on realtime.messages;
            create policy hear on realtime.messages for select to authenticated using (exists (select from members m where m.user_id = whoami()));
            """);
        await using var ada = await ConnectAsync(Ada);
        await ada.JoinTopicAsync("room", new { @private = true });
        await using var eve = await ConnectAsync(Eve);

        using var refused = await eve.PostAsync("join", new { topic = "room", config = new { @private = true } });

        refused.StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    private Task<RealtimeClient> ConnectAsync(string user) => RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", user));
}
