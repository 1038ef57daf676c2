using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Broadcast;

/// <summary>Supabase's two broadcast routes: its bodies, statuses and headers.</summary>
public sealed class ApiBroadcastTests : IAsyncLifetime
{
    private const string Many = "/realtime/v1/api/broadcast";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;
    private RealtimeClient _client = null!;
    private HttpClient _server = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database, "--Limits:ApiEventsPerSecond=20", "--Limits:Window=00:00:01", "--Limits:PayloadBytes=2000");
        await _database.ExecuteAsync(
            """
            create policy hear on realtime.messages for select to anon using (realtime.topic() = 'open' and extension = 'broadcast');
            create policy say on realtime.messages for insert to authenticated with check (realtime.topic() = 'open');
            """);
        _client = await RealtimeClient.ConnectAsync(_app.Url);
        await _client.JoinTopicAsync("room", new { });
        await _client.JoinTopicAsync("open", new { @private = true });
        _server = RealtimeClient.Http(_app.Url);
    }

    public async Task DisposeAsync()
    {
        _server.Dispose();
        await _client.DisposeAsync();
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Several_messages_are_taken_with_202_and_tell_how_near_the_limit_is()
    {
        using var response = await _server.PostAsJsonAsync(Many, new { messages = new[] { Message("room", "a"), Message("nobody", "b"), Message("room", "c") } });

        response.StatusCode.Should().Be(HttpStatusCode.Accepted);
        (await response.Content.ReadAsStringAsync()).Should().BeEmpty();
        response.Headers.GetValues("x-rate-limit").Should().Equal("20");
        double.Parse(response.Headers.GetValues("x-rate-rolling").Single(), System.Globalization.CultureInfo.InvariantCulture).Should().BeInRange(1, 3);
        response.Headers.Contains("x-rate-limit-remaining").Should().BeTrue();
        (await _client.MessagesAsync(2)).Select(message => message.Event()).Should().Equal("a", "c");
    }

    [Theory]
    [InlineData("""{"n":1}""", "application/json", """{"n":1}""", null)]
    [InlineData("[1.50]", "application/json; charset=utf-8", "[1.50]", null)]
    [InlineData("abc", "application/octet-stream", null, "YWJj")]
    public async Task One_message_is_the_body_of_its_route(string body, string type, string? json, string? base64)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using var response = await _server.PostAsync($"{Many}/room/events/ev%2Fx%252F%C3%A9", content);

        response.StatusCode.Should().Be(HttpStatusCode.Accepted);
        var message = (await _client.MessagesAsync(1))[0];
        message.Event().Should().Be("ev/x%2Fé");
        (message.TryGetProperty("payload", out var payload) ? payload.GetRawText() : null).Should().Be(json);
        (message.TryGetProperty("payload_base64", out var bytes) ? bytes.GetString() : null).Should().Be(base64);
    }

    [Fact]
    public async Task A_private_message_that_may_not_be_sent_is_refused_and_said_with_all_of_its_call()
    {
        using var refused = await _server.PostAsJsonAsync(Many, new { messages = new[] { Message("room", "lost"), Message("open", "lost", isPrivate: true) } });
        refused.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        var body = await refused.Content.ReadFromJsonAsync<JsonElement>();
        body.GetProperty("message").GetString().Should().Be("Unauthorized");
        body.GetProperty("topics").EnumerateArray().Select(topic => topic.GetString()).Should().Equal("open");

        using var allowed = RealtimeClient.Http(_app.Url, Tokens.For("authenticated", "5f0c6f0e-7d0b-4f3b-8f0f-9b1f6d0b2a11"));
        using var sent = await allowed.PostAsync($"{Many}/open/events/kept?private=true", JsonContent.Create(new { n = 1 }));
        sent.StatusCode.Should().Be(HttpStatusCode.Accepted);

        // What was refused would have come before.
        (await _client.MessagesAsync(1))[0].Event().Should().Be("kept");
    }

    [Theory]
    [InlineData("""{"messages":[{"event":"e","payload":{}}]}""", "topic")]
    [InlineData("""{"messages":[{"topic":"room","payload":{}}]}""", "event")]
    [InlineData("""{"messages":[{"topic":"room","event":"e"}]}""", "payload")]
    [InlineData("""{"messages":[{"topic":"room","event":"e","payload":"text"}]}""", "payload")]
    [InlineData("""{"messages":[7]}""", "topic")]
    public async Task What_is_wrong_with_a_message_is_named(string body, string member)
    {
        using var response = await _server.PostAsync(Many, new StringContent(body, Encoding.UTF8, "application/json"));

        response.StatusCode.Should().Be(HttpStatusCode.UnprocessableEntity);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").GetProperty("messages")[0].GetProperty(member).GetArrayLength().Should().Be(1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"messages":{}}""")]
    public async Task A_body_without_messages_is_unprocessable(string body)
    {
        using var response = await _server.PostAsync(Many, new StringContent(body, Encoding.UTF8, "application/json"));

        response.StatusCode.Should().Be(HttpStatusCode.UnprocessableEntity);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).TryGetProperty("errors", out _).Should().BeTrue();
    }

    [Fact]
    public async Task Other_statuses_are_those_of_Supabase()
    {
        using var stranger = new HttpClient { BaseAddress = _app.Url };
        (await StatusAsync(stranger, $"{Many}/room/events/e", "{}", "application/json")).Should().Be(HttpStatusCode.Unauthorized);
        (await StatusAsync(_server, $"{Many}/room/events/e", "{}", "text/plain")).Should().Be(HttpStatusCode.UnsupportedMediaType);
        (await StatusAsync(_server, $"{Many}/room/events/e", "{", "application/json")).Should().Be(HttpStatusCode.UnprocessableEntity);
        (await StatusAsync(_server, $"{Many}/room/events/e", $"\"{new string('x', 2001)}\"", "application/json")).Should().Be(HttpStatusCode.UnprocessableEntity);
        using var flood = await _server.PostAsJsonAsync(Many, new { messages = Enumerable.Repeat(Message("nobody", "e"), 20) });
        using var more = await _server.PostAsJsonAsync(Many, new { messages = Enumerable.Repeat(Message("nobody", "e"), 20) });
        more.StatusCode.Should().Be(HttpStatusCode.TooManyRequests);
        (await more.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("message").GetString().Should().Be("You have exceeded your rate limit");
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, string route, string body, string type)
    {
        using var response = await http.PostAsync(route, new StringContent(body, Encoding.UTF8, type));
        return response.StatusCode;
    }

    private static object Message(string topic, string name, bool isPrivate = false) => new { topic, @event = name, payload = new { }, @private = isPrivate };
}
