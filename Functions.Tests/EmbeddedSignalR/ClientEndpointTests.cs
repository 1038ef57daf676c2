using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR;

/// <summary>Who may connect, from where, and by which transport.</summary>
public sealed class ClientEndpointTests : IAsyncLifetime
{
    private const string Handshake = "{\"protocol\":\"json\",\"version\":1}\u001e";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private static readonly HttpClient _http = new();

    private SignalRProcess _service = null!;

    public async Task InitializeAsync() => _service = await SignalRProcess.StartAsync("--Realtime:AllowedOrigins=https://app.example, https://b.example");

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        _service.Log.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task A_client_needs_a_token_that_is_valid_now_and_for_this_endpoint()
    {
        (await NegotiateAsync(token: null)).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await NegotiateAsync("x.y.z")).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await NegotiateAsync(Token(life: -120))).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await NegotiateAsync(Token(audience: _service.Url + "/api/hubs/realtime/:send"))).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await NegotiateAsync(Token(audience: _service.Url + "/client/?hub=other"))).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await NegotiateAsync(new AccessKeyTokens("forged", TimeProvider.System).Issue(_service.ClientUrl, TimeSpan.FromMinutes(1)))).StatusCode
            .Should().Be(HttpStatusCode.Unauthorized);
        (await NegotiateAsync(Token())).StatusCode.Should().Be(HttpStatusCode.OK);
        (await _http.PostAsync(Address("/client/negotiate", $"&access_token={Token()}"), content: null)).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("")]
    [InlineData("?hub=")]
    [InlineData("?hub=other")]
    [InlineData("?hub=realtime&hub=other")]
    public async Task The_hub_must_be_the_one_that_is_served(string query)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_service.Url}/client/negotiate{query}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token());
        (await _http.SendAsync(request)).StatusCode.Should().Be(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Negotiate_offers_all_three_transports()
    {
        var answer = await (await NegotiateAsync(Token())).Content.ReadFromJsonAsync<JsonElement>();
        answer.GetProperty("availableTransports").EnumerateArray().Select(transport => transport.GetProperty("transport").GetString())
            .Should().Equal("WebSockets", "ServerSentEvents", "LongPolling");
    }

    [Fact]
    public async Task An_invocation_by_a_client_is_answered_with_an_error()
    {
        await using var client = await _service.ConnectAsync("ann");
        (await client.InvokeAsync("anything", _limit)).GetProperty("error").GetString().Should().NotBeNullOrEmpty();
    }

    [Fact]
    public async Task MessagePack_is_refused_in_the_handshake()
    {
        var id = await ConnectionTokenAsync();
        await PollAsync(id);
        await PostAsync(id, "{\"protocol\":\"messagepack\",\"version\":1}\u001e");
        (await PollAsync(id)).Should().Contain("messagepack").And.Contain("error");
    }

    [Fact]
    public async Task Long_polling_delivers()
    {
        var id = await ConnectionTokenAsync();
        await PollAsync(id);
        await PostAsync(id, Handshake);
        (await PollAsync(id)).Should().StartWith("{}");

        var send = SendNoteAsync();
        (await PollAsync(id)).Should().Contain("\"target\":\"note\",\"arguments\":[7]");
        await send;
    }

    [Fact]
    public async Task Long_polling_goes_on_when_the_token_has_expired()
    {
        var id = await ConnectionTokenAsync();
        var expired = Token(life: -120);
        await PollAsync(id, expired);
        await PostAsync(id, Handshake, expired);
        (await PollAsync(id, expired)).Should().StartWith("{}");
    }

    [Fact]
    public async Task Server_sent_events_deliver()
    {
        var id = await ConnectionTokenAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, Address("/client/", $"&id={id}&access_token={Token()}"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        await PostAsync(id, Handshake);
        (await DataAsync(lines)).Should().StartWith("{}");

        await SendNoteAsync();
        (await DataAsync(lines)).Should().Contain("\"target\":\"note\",\"arguments\":[7]");
    }

    [Theory]
    [InlineData("https://app.example", true)]
    [InlineData("https://b.example", true)]
    [InlineData("https://evil.example", false)]
    public async Task Pages_of_allowed_origins_may_connect_with_credentials(string origin, bool allowed)
    {
        using var preflight = new HttpRequestMessage(HttpMethod.Options, Address("/client/negotiate"));
        preflight.Headers.Add("Origin", origin);
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        preflight.Headers.Add("Access-Control-Request-Headers", "authorization,x-requested-with,x-signalr-user-agent");
        await AnswersAsync(preflight, HttpStatusCode.NoContent);

        using var negotiate = new HttpRequestMessage(HttpMethod.Post, Address("/client/negotiate"));
        negotiate.Headers.Add("Origin", origin);
        negotiate.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token());
        await AnswersAsync(negotiate, HttpStatusCode.OK);

        async Task AnswersAsync(HttpRequestMessage request, HttpStatusCode status)
        {
            using var response = await _http.SendAsync(request);
            response.StatusCode.Should().Be(status);
            response.Headers.TryGetValues("Access-Control-Allow-Origin", out var origins).Should().Be(allowed);
            (origins ?? [origin]).Should().Equal(origin);
            response.Headers.Contains("Access-Control-Allow-Credentials").Should().Be(allowed);
        }
    }

    private string Token(int life = 60, string? audience = null) => _service.Tokens.Issue(audience ?? _service.ClientUrl, TimeSpan.FromSeconds(life), "ann");

    private string Address(string path, string query = "") => $"{_service.Url}{path}?hub=realtime{query}";

    private async Task<HttpResponseMessage> NegotiateAsync(string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Address("/client/negotiate", "&negotiateVersion=1"));
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return await _http.SendAsync(request);
    }

    private async Task<string> ConnectionTokenAsync()
    {
        var answer = await (await NegotiateAsync(Token())).Content.ReadFromJsonAsync<JsonElement>();
        return Uri.EscapeDataString(answer.GetProperty("connectionToken").GetString()!);
    }

    private async Task<string> PollAsync(string id, string? token = null)
    {
        using var limit = new CancellationTokenSource(_limit);
        using var response = await _http.GetAsync(Address("/client/", $"&id={id}&access_token={token ?? Token()}"), limit.Token);
        response.IsSuccessStatusCode.Should().BeTrue();
        return await response.Content.ReadAsStringAsync(limit.Token);
    }

    private async Task PostAsync(string id, string message, string? token = null)
    {
        using var content = new StringContent(message, Encoding.UTF8, "text/plain");
        (await _http.PostAsync(Address("/client/", $"&id={id}&access_token={token ?? Token()}"), content)).IsSuccessStatusCode.Should().BeTrue();
    }

    private async Task SendNoteAsync()
    {
        var url = $"{_service.Url}/api/hubs/realtime/users/ann/:send";
        using var request = new HttpRequestMessage(HttpMethod.Post, url + "?api-version=2022-06-01");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _service.Tokens.Issue(url, TimeSpan.FromMinutes(1)));
        request.Content = new StringContent("""{"target":"note","arguments":[7]}""", Encoding.UTF8, "application/json");
        (await _http.SendAsync(request)).StatusCode.Should().Be(HttpStatusCode.Accepted);
    }

    private static async Task<string> DataAsync(StreamReader lines)
    {
        using var limit = new CancellationTokenSource(_limit);
        while (true)
        {
            var line = await lines.ReadLineAsync(limit.Token) ?? throw new InvalidOperationException("The stream of events ended.");
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                return line["data: ".Length..];
            }
        }
    }
}
