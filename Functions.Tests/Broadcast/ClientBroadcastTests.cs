using Serverless.Support;

namespace Serverless.Broadcast;

/// <summary>What clients send to topics, and who gets it.</summary>
public sealed class ClientBroadcastTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database, "--Limits:EventsPerSecond=50", "--Limits:Window=00:00:01", "--Limits:PayloadBytes=2000");
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_message_reaches_everybody_on_the_topic_and_nobody_else()
    {
        await using var ada = await RealtimeClient.ConnectAsync(_app.Url);
        await using var bob = await RealtimeClient.ConnectAsync(_app.Url);
        await using var eve = await RealtimeClient.ConnectAsync(_app.Url);
        await ada.JoinTopicAsync("room", new { });
        await bob.JoinTopicAsync("room", new { });
        await eve.JoinTopicAsync("hall", new { });

        (await ada.BroadcastAsync(new { topic = "room", @event = "moved", payload = new { x = 1 }, from = "ada" }, new { topic = "hall", @event = "last" }))
            .Should().Equal("ok", "ok");

        foreach (var client in new[] { ada, bob })
        {
            var message = (await client.MessagesAsync(1))[0];
            message.Event().Should().Be("moved");
            message.GetProperty("payload").GetRawText().Should().Be("""{"x":1}""");
            message.GetProperty("from").GetString().Should().Be("ada");
        }

        (await eve.MessagesAsync(1)).Select(message => message.Event()).Should().Equal("last");
    }

    [Fact]
    public async Task Messages_of_one_call_arrive_in_their_order_in_one_send()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinTopicAsync("room", new { });

        await client.BroadcastAsync([.. Enumerable.Range(0, 20).Select(i => (object)new { topic = "room", @event = $"e{i}" })]);

        var sent = (await client.Hub.NextAsync("broadcast", RealtimeClient.Limit))[0];
        sent.GetProperty("topic").GetString().Should().Be("room");
        sent.GetProperty("messages").EnumerateArray().Select(message => message.Event()).Should().Equal(Enumerable.Range(0, 20).Select(i => $"e{i}"));
    }

    [Fact]
    public async Task A_payload_arrives_as_it_was_written()
    {
        const string Odd = """{"big":12345678901234567890.123456789,"deep":[[[{"é":null}]]],"text":"<b>\u2028</b>"}""";
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinTopicAsync("raum ☂/é", new { });

        (await client.BroadcastAsync(
            new { topic = "raum ☂/é", @event = "größe", payload = System.Text.Json.JsonDocument.Parse(Odd).RootElement },
            new { topic = "raum ☂/é", @event = "bytes", payload_base64 = "AP8Q" },
            new { topic = "raum ☂/é", @event = "none" })).Should().Equal("ok", "ok", "ok");

        var messages = await client.MessagesAsync(3);
        messages[0].Event().Should().Be("größe");
        messages[0].GetProperty("payload").GetProperty("big").GetRawText().Should().Be("12345678901234567890.123456789");
        messages[0].GetProperty("payload").GetProperty("text").GetString().Should().Be("<b>\u2028</b>");
        messages[1].GetProperty("payload_base64").GetString().Should().Be("AP8Q");
        messages[1].TryGetProperty("payload", out _).Should().BeFalse();
        messages[2].GetProperty("payload").ValueKind.Should().Be(System.Text.Json.JsonValueKind.Null);
    }

    [Fact]
    public async Task What_is_wrong_with_a_message_is_said_of_it_alone()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinTopicAsync("room", new { });

        (await client.BroadcastAsync(
            new { topic = "", @event = "e" },
            new { topic = "room" },
            new { topic = "room", @event = "e", payload_base64 = "?" },
            new { topic = "room", @event = "e", payload = new string('x', 3000) },
            new { topic = "room", @event = "e", from = new string('x', 65) },
            new { topic = "room", @event = new string('e', 256) },
            new { topic = "room", @event = "e", @private = true },
            new { topic = "room", @event = "good" }))
            .Should().Equal("InvalidTopic", "InvalidEvent", "InvalidBody", "PayloadTooLarge", "InvalidBody", "InvalidEvent", "TopicNotJoined", "ok");

        (await client.MessagesAsync(1))[0].Event().Should().Be("good");
    }

    [Fact]
    public async Task Over_the_limit_is_an_error_and_the_channel_goes_on()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinTopicAsync("room", new { });
        object[] messages = [.. Enumerable.Range(0, 40).Select(_ => (object)new { topic = "room", @event = "e" })];

        (await client.BroadcastAsync(messages)).Should().AllBe("ok");
        (await client.BroadcastAsync(messages)).Should().Equal("TooManyEvents");
        (await client.MessagesAsync(40)).Should().HaveCount(40);

        _app.Time.Move(TimeSpan.FromSeconds(1));
        await Eventually.HoldsAsync(async () => (await client.BroadcastAsync(new { topic = "room", @event = "again" }))[0] == "ok");
        (await client.MessagesAsync(1))[0].Event().Should().Be("again");
    }

    [Fact]
    public async Task A_topic_that_was_left_or_whose_client_is_gone_hears_nothing()
    {
        await using var stays = await RealtimeClient.ConnectAsync(_app.Url);
        var leaves = await RealtimeClient.ConnectAsync(_app.Url);
        await stays.JoinTopicAsync("room", new { });
        await leaves.JoinTopicAsync("room", new { });
        await leaves.JoinTopicAsync("other", new { });
        using (await leaves.PostAsync("leave", new { topic = "room" }))
        {
        }

        await stays.BroadcastAsync(new { topic = "room", @event = "first" }, new { topic = "other", @event = "second" });

        (await leaves.MessagesAsync(1))[0].Event().Should().Be("second");
        (await stays.MessagesAsync(1))[0].Event().Should().Be("first");
        await leaves.DisposeAsync();
        await Eventually.HoldsAsync(async () => await _database.ScalarAsync<long>("select count(*) from serverless_realtime.channel") == 1);
    }
}
