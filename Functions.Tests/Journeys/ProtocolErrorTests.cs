using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>What docs/protocol.md shows of errors is what is answered.</summary>
public sealed partial class ProtocolErrorTests : IAsyncLifetime
{
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
    }

    [Fact]
    public async Task The_sample_of_an_error_is_one_that_is_sent()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        using var response = await client.PostAsync("join", new { topic = "room", config = new { postgres_changes = new[] { new { table = "todo" } } } });

        var sent = await response.Content.ReadFromJsonAsync<JsonElement>();
        var sample = JsonElement.Parse(Sample().Match(Checkout.Read("docs", "protocol.md")).Groups[1].Value);
        JsonElement.DeepEquals(sent, sample).Should().BeTrue("the answer is {0}", sent);
    }

    [Theory]
    [InlineData("GET", "/realtime/v1/nowhere", HttpStatusCode.NotFound)]
    [InlineData("GET", "/realtime/v1/negotiate", HttpStatusCode.MethodNotAllowed)]
    public async Task A_path_or_method_that_is_no_route_is_answered_without_a_body(string method, string path, HttpStatusCode status)
    {
        using var http = RealtimeClient.Http(_app.Url);
        using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));

        response.StatusCode.Should().Be(status);
        (await response.Content.ReadAsStringAsync()).Should().BeEmpty();
    }

    [GeneratedRegex(@"## Errors.*?```json\s*(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Sample();
}
