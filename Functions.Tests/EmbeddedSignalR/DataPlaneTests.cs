using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR;

/// <summary>The data plane as Azure documents it, to the status code: a call that it lets pass should pass on Azure too.</summary>
public sealed class DataPlaneTests : IAsyncLifetime
{
    private const string Version = "?api-version=2022-06-01";
    private const string Hub = "/api/hubs/realtime";
    private const string Message = """{"target":"note","arguments":[1]}""";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private static readonly HttpClient _http = new();

    private SignalRProcess _service = null!;

    public async Task InitializeAsync() => _service = await SignalRProcess.StartAsync();

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        _service.Log.Warnings.Should().BeEmpty();
    }

    [Theory]
    [InlineData("HEAD", "/api/health", 200)]
    [InlineData("POST", $"{Hub}/:send", 202)]
    [InlineData("POST", $"{Hub}/groups/g/:send", 202)]
    [InlineData("POST", $"{Hub}/users/ann/:send", 202)]
    [InlineData("POST", $"{Hub}/users/nobody/:send", 202)]
    [InlineData("POST", $"{Hub}/connections/@/:send", 202)]
    [InlineData("POST", $"{Hub}/connections/none/:send", 202)]
    [InlineData("POST", $"{Hub}/:closeConnections", 204)]
    [InlineData("POST", $"{Hub}/groups/g/:closeConnections", 204)]
    [InlineData("POST", $"{Hub}/users/ann/:closeConnections", 204)]
    [InlineData("DELETE", $"{Hub}/connections/@", 200)]
    [InlineData("HEAD", $"{Hub}/connections/@", 200)]
    [InlineData("HEAD", $"{Hub}/connections/none", 404)]
    [InlineData("HEAD", $"{Hub}/groups/g", 200)]
    [InlineData("HEAD", $"{Hub}/groups/empty", 404)]
    [InlineData("HEAD", $"{Hub}/users/ann", 200)]
    [InlineData("HEAD", $"{Hub}/users/nobody", 404)]
    [InlineData("HEAD", $"{Hub}/users/ann/groups/g", 200)]
    [InlineData("HEAD", $"{Hub}/users/ann/groups/other", 404)]
    [InlineData("PUT", $"{Hub}/groups/other/connections/@", 200)]
    [InlineData("PUT", $"{Hub}/groups/other/connections/none", 404)]
    [InlineData("DELETE", $"{Hub}/groups/g/connections/@", 200)]
    [InlineData("DELETE", $"{Hub}/groups/g/connections/none", 404)]
    [InlineData("DELETE", $"{Hub}/connections/@/groups", 200)]
    [InlineData("PUT", $"{Hub}/users/ann/groups/other", 200, "&ttl=0")]
    [InlineData("PUT", $"{Hub}/users/ann/groups/other", 400)]
    [InlineData("DELETE", $"{Hub}/users/ann/groups/g", 204)]
    [InlineData("DELETE", $"{Hub}/users/ann/groups", 204)]
    [InlineData("POST", "/api/hubs/time/:send", 202, "&application=real", "real_time")]
    public async Task Each_operation_answers_with_its_own_status(string method, string path, int status, string query = "", string hub = "realtime")
    {
        await using var service = await SignalRProcess.StartAsync($"--Realtime:Hub={hub}");
        var clientUrl = $"{service.Url}/client/?hub={hub}";
        await using var client = await Support.HubClient.ConnectAsync(new Uri(clientUrl), service.Tokens.Issue(clientUrl, TimeSpan.FromMinutes(1), "ann"));
        var url = $"{service.Url}/api/hubs/{hub}/users/ann/groups/g";
        if (hub == "realtime")
        {
            (await CallAsync("PUT", url + Version + "&ttl=0", url)).StatusCode.Should().Be(HttpStatusCode.OK);
        }

        var address = service.Url + path.Replace("@", client.ConnectionId, StringComparison.Ordinal);
        var response = await CallAsync(method, address + Version + query, address, method == "POST" && path.EndsWith(":send", StringComparison.Ordinal) ? Message : null);

        ((int)response.StatusCode).Should().Be(status);
    }

    [Fact]
    public async Task Excluded_connections_get_nothing()
    {
        await using var first = await _service.ConnectAsync("ann");
        await using var second = await _service.ConnectAsync("ann");

        await SendAsync($"{Hub}/:send", Message, $"&excluded={first.ConnectionId}&excluded=other");
        await SendAsync($"{Hub}/:send", """{"target":"note","arguments":[2]}""");

        (await second.NextAsync("note", _limit))[0].GetInt32().Should().Be(1);
        (await first.NextAsync("note", _limit))[0].GetInt32().Should().Be(2);
    }

    [Fact]
    public async Task A_closed_connection_is_told_why_and_an_excluded_one_stays()
    {
        await using var first = await _service.ConnectAsync("ann");
        await using var second = await _service.ConnectAsync("ann");

        await SendAsync($"{Hub}/:closeConnections", body: null, $"&excluded={first.ConnectionId}&reason=Going%20down", status: 204);
        await SendAsync($"{Hub}/:send", Message);

        (await second.Closed.WaitAsync(_limit)).Should().Be("Going down");
        (await first.NextAsync("note", _limit))[0].GetInt32().Should().Be(1);
    }

    [Theory]
    [InlineData("", 400)]
    [InlineData("?api-version=", 400)]
    [InlineData("?api-version=2015-01-01", 400)]
    public async Task Another_or_no_api_version_is_refused(string query, int status)
    {
        var address = $"{_service.Url}{Hub}/:send";
        ((int)(await CallAsync("POST", address + query, address, Message)).StatusCode).Should().Be(status);
        ((int)(await _http.SendAsync(new HttpRequestMessage(HttpMethod.Head, _service.Url + "/api/health" + query))).StatusCode).Should().Be(status);
    }

    [Theory]
    [InlineData("/api/hubs/1realtime/:send", 400)]
    [InlineData("/api/hubs/real%20time/:send", 400)]
    [InlineData("/api/hubs/other/:send", 400)]
    [InlineData($"{Hub}/groups/%20/:send", 400)]
    public async Task Names_out_of_bounds_are_refused(string path, int status) => await SendAsync(path, Message, status: status);

    [Theory]
    [InlineData(1024, 202)]
    [InlineData(1025, 400)]
    public async Task A_group_has_up_to_1024_characters(int length, int status) =>
        await SendAsync($"{Hub}/groups/{new string('g', length)}/:send", Message, status: status);

    [Theory]
    [InlineData("{url}", 202)]
    [InlineData("{url}/", 202)]
    [InlineData("{url}?api-version=2022-06-01", 202)]
    [InlineData("{url}?api-version=2021-01-01", 401)]
    [InlineData("{url}/more", 401)]
    [InlineData("http://elsewhere.example/api/hubs/realtime/:send", 401)]
    [InlineData("/api/hubs/realtime/:send", 401)]
    [InlineData("", 401)]
    public async Task A_token_is_for_the_called_URL(string audience, int status)
    {
        var address = $"{_service.Url}{Hub}/:send";
        var response = await CallAsync("POST", address + Version, audience.Replace("{url}", address, StringComparison.Ordinal), Message);
        ((int)response.StatusCode).Should().Be(status);
    }

    [Fact]
    public async Task A_token_that_is_missing_expired_forged_or_a_clients_is_refused_with_an_error_body()
    {
        var address = $"{_service.Url}{Hub}/:send";
        var past = new AccessKeyTokens(SignalRProcess.AccessKey, TimeProvider.System).Issue(address, TimeSpan.FromMinutes(-2));
        var forged = new AccessKeyTokens("another-key", TimeProvider.System).Issue(address, TimeSpan.FromMinutes(1));
        var unsigned = _service.Tokens.Issue(address, TimeSpan.FromMinutes(1));
        unsigned = "eyJhbGciOiJub25lIn0" + unsigned[unsigned.IndexOf('.', StringComparison.Ordinal)..(unsigned.LastIndexOf('.') + 1)];
        var ofClient = _service.Tokens.Issue(_service.ClientUrl, TimeSpan.FromMinutes(1), "ann");
        foreach (var token in new[] { null, past, forged, unsigned, ofClient, "x" })
        {
            var response = await CallWithAsync("POST", address + Version, token, Message);
            response.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
            response.Headers.GetValues("x-ms-error-code").Should().Equal("Unauthorized");
            var error = await response.Content.ReadFromJsonAsync<JsonElement>();
            error.EnumerateObject().Select(member => member.Name).Should().Equal("code", "message", "target", "details", "inner");
        }
    }

    [Theory]
    [InlineData(1_048_576, 202)]
    [InlineData(1_048_577, 413)]
    public async Task A_body_has_up_to_one_megabyte(int length, int status)
    {
        var body = """{"target":"note","arguments":["@"]}""";
        body = body.Replace("@", new string('x', length - body.Length + 1), StringComparison.Ordinal);
        body.Length.Should().Be(length);
        await SendAsync($"{Hub}/:send", body, status: status);
        await SendAsync($"{Hub}/:send", body, status: status, chunked: true);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-msgpack")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task Another_content_type_is_refused(string type)
    {
        var address = $"{_service.Url}{Hub}/:send";
        var response = await CallAsync("POST", address + Version, address, Message, type);
        response.StatusCode.Should().Be(HttpStatusCode.UnsupportedMediaType);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"target":""}""")]
    [InlineData("""{"target":7}""")]
    [InlineData("""{"arguments":[1]}""")]
    [InlineData("""{"target":"note","arguments":{}}""")]
    [InlineData("""{"target":"note","arguments":[1}""")]
    [InlineData("""{"target":"note","arguments":[1]} {}""")]
    [InlineData("""{"target":"note","arguments":[1]""")]
    public async Task A_malformed_message_is_refused(string body) => await SendAsync($"{Hub}/:send", body, status: 400);

    private async Task SendAsync(string path, string? body, string query = "", int status = 202, bool chunked = false)
    {
        var address = _service.Url + path;
        var response = await CallAsync("POST", address + Version + query, address, body, chunked: chunked);
        ((int)response.StatusCode).Should().Be(status);
    }

    private Task<HttpResponseMessage> CallAsync(
        string method, string url, string audience, string? body = null, string type = "application/json", bool chunked = false) =>
        CallWithAsync(method, url, _service.Tokens.Issue(audience, TimeSpan.FromMinutes(1)), body, type, chunked);

    private static async Task<HttpResponseMessage> CallWithAsync(
        string method, string url, string? token, string? body, string type = "application/json", bool chunked = false)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), url);
        request.Headers.TransferEncodingChunked = chunked;
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, type);
        return await _http.SendAsync(request);
    }
}
