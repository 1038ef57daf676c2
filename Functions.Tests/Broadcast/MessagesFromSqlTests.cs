using System.Text.Json;
using Serverless.Support;

namespace Serverless.Broadcast;

/// <summary>Messages that SQL writes, and those that are kept for who joins later.</summary>
public sealed class MessagesFromSqlTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database, "--Broadcast:Retention=00:10:00");
        await _database.ExecuteAsync(
            """
            create policy hear on realtime.messages for select to anon using (true);
            create policy say on realtime.messages for insert to anon with check (true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_message_arrives_when_its_transaction_commits()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinTopicAsync("room", new { @private = true });
        await using var publicly = await RealtimeClient.ConnectAsync(_app.Url);
        await publicly.JoinTopicAsync("room", new { });

        await _database.ExecuteAsync("begin; select realtime.send('{\"n\": 0}', 'lost', 'room'); rollback");
        await _database.ExecuteAsync(
            """
            select realtime.send('{"n": 1}', 'json', 'room');
            select realtime.send_binary('\x00ff10', 'bytes', 'room');
            select realtime.send('[1]', 'open', 'room', false);
            """);

        var messages = await client.MessagesAsync(2);
        messages.Select(message => message.Event()).Should().Equal("json", "bytes");
        var id = messages[0].GetProperty("meta").GetProperty("id").GetString();
        messages[0].GetProperty("payload").GetProperty("n").GetInt32().Should().Be(1);
        messages[0].GetProperty("payload").GetProperty("id").GetString().Should().Be(id, "as in Supabase");
        messages[1].GetProperty("payload_base64").GetString().Should().Be("AP8Q");
        var open = (await publicly.MessagesAsync(1))[0];
        open.Event().Should().Be("open");
        open.GetProperty("payload").GetRawText().Should().Be("[1]");
    }

    [Fact]
    public async Task A_trigger_tells_a_topic_of_its_tables_changes()
    {
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key, title text);
            create function tell() returns trigger language plpgsql security definer as $$ begin
              perform realtime.broadcast_changes('room', TG_OP, TG_OP, TG_TABLE_NAME, TG_TABLE_SCHEMA, NEW, OLD);
              return null;
            end $$;
            create trigger tell after insert or update or delete on todos for each row execute function tell();
            """);
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinTopicAsync("room", new { @private = true });

        await _database.ExecuteAsync("insert into todos values (1, 'a'); update todos set title = 'b'; delete from todos");

        var messages = await client.MessagesAsync(3);
        messages.Select(message => message.Event()).Should().Equal("INSERT", "UPDATE", "DELETE");
        var update = messages[1].GetProperty("payload");
        update.GetProperty("record").GetProperty("title").GetString().Should().Be("b");
        update.GetProperty("old_record").GetProperty("title").GetString().Should().Be("a");
        (update.GetProperty("operation").GetString(), update.GetProperty("schema").GetString(), update.GetProperty("table").GetString()).Should().Be(("UPDATE", "public", "todos"));
        messages[0].GetProperty("payload").GetProperty("old_record").ValueKind.Should().Be(JsonValueKind.Null);
        messages[2].GetProperty("payload").GetProperty("record").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Fact]
    public async Task What_was_sent_while_nobody_listened_is_replayed_to_who_asks()
    {
        var since = TimeProvider.System.GetUtcNow().AddMinutes(-1).ToUnixTimeMilliseconds();
        await _database.ExecuteAsync("select realtime.send(jsonb_build_object('n', n), 'sql', 'room') from generate_series(1, 30) n");
        await using var first = await RealtimeClient.ConnectAsync(_app.Url);
        await first.JoinTopicAsync("room", new { @private = true });
        (await first.BroadcastAsync(new { topic = "room", @private = true, @event = "client", payload_base64 = "AP8Q" })).Should().Equal("ok");
        var live = (await first.MessagesAsync(1))[0];
        while (live.Event() != "client")
        {
            // Messages of SQL were written before the join, and may be sent after it.
            live = (await first.MessagesAsync(1))[^1];
        }

        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var all = Replay(await client.JoinTopicAsync("room", new { @private = true, broadcast = new { replay = new { since } } }));
        var few = Replay(await client.JoinTopicAsync("room", new { @private = true, broadcast = new { replay = new { since, limit = 3 } } }));
        var none = Replay(await client.JoinTopicAsync("room", new { @private = true, broadcast = new { replay = new { since = since + 3_600_000 } } }));

        all.Should().HaveCount(25, "that is the most that one join is given");
        all[^1].Event().Should().Be("client");
        all[^1].GetProperty("payload_base64").GetString().Should().Be("AP8Q");
        all[^1].GetProperty("meta").GetProperty("id").GetString().Should().Be(live.GetProperty("meta").GetProperty("id").GetString());
        all[^1].GetProperty("meta").GetProperty("replayed").GetBoolean().Should().BeTrue();
        all.Take(24).Select(message => message.GetProperty("payload").GetProperty("n").GetInt32()).Should().BeSubsetOf(Enumerable.Range(1, 30)).And.OnlyHaveUniqueItems();
        few.Should().HaveCount(3);
        few[^1].Event().Should().Be("client");
        none.Should().BeEmpty();
    }

    [Fact]
    public async Task Of_public_topics_nothing_is_kept()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinTopicAsync("room", new { });
        await client.BroadcastAsync(new { topic = "room", @event = "e" });
        (await client.MessagesAsync(1))[0].TryGetProperty("meta", out _).Should().BeFalse();
        (await _database.ScalarAsync<long>("select count(*) from serverless_realtime.kept_message")).Should().Be(0);

        using var refused = await client.PostAsync("join", new { topic = "room", config = new { broadcast = new { replay = new { since = 0 } } } });
        (await refused.Content.ReadAsStringAsync()).Should().Contain("UnableToReplayMessages");
    }

    [Fact]
    public async Task A_message_too_large_for_SignalR_reaches_nobody_and_is_logged_and_the_others_go_on()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinTopicAsync("room", new { @private = true });

        await _database.ExecuteAsync(
            "select realtime.send(jsonb_build_object('x', repeat('x', 2000000)), 'large', 'room'); select realtime.send('{}', 'small', 'room')");

        (await client.MessagesAsync(1))[0].Event().Should().Be("small");
        Replay(await client.JoinTopicAsync("room", new { @private = true, broadcast = new { replay = new { since = 0 } } }))
            .Select(message => message.Event()).Should().Equal("small");
        _app.Logs.Entries.Should().ContainSingle(entry => entry.Id.Name == "MessageTooLarge");
    }

    [Fact]
    public async Task A_message_nested_deeper_than_JSON_readers_go_by_themselves_keeps_nobody_from_joining()
    {
        await _database.ExecuteAsync($"select realtime.send('{new string('[', 300)}{new string(']', 300)}', 'deep', 'room')");
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);

        using var response = await client.PostAsync("join", new { topic = "room", config = new { @private = true, broadcast = new { replay = new { since = 0 } } } });

        (await response.Content.ReadAsStringAsync()).Should().Contain(new string('[', 300)).And.Contain("\"replayed\":true");
    }

    [Fact]
    public async Task A_subscription_to_the_rows_themselves_is_told_that_they_are_broadcast()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        using var response = await client.PostAsync("join", new { topic = "rows", config = new { postgres_changes = new[] { new { schema = "realtime", table = "messages" } } } });

        (await response.Content.ReadAsStringAsync()).Should().Contain("are broadcast to their topics");
    }

    [Fact]
    public async Task Ready_for_replication_is_said_where_it_is_asked_for()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var joined = await client.JoinTopicAsync("room", new { broadcast = new { replication_ready = "true" } });

        joined.GetProperty("system")[0].GetProperty("message").GetString().Should().Be("Replication connection established");
    }

    private static IReadOnlyList<JsonElement> Replay(JsonElement joined) => [.. joined.GetProperty("replay").EnumerateArray()];
}
