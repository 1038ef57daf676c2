using System.Net.Http.Json;
using System.Text.Json;

namespace Serverless.Support;

/// <summary>A client as docs/protocol.md describes one: negotiates, connects, joins, and reads what it is sent.</summary>
internal sealed class RealtimeClient : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;

    private RealtimeClient(HttpClient http, HubClient hub, string session)
    {
        _http = http;
        Hub = hub;
        Session = session;
    }

    public HubClient Hub { get; }

    /// <summary>The session token.</summary>
    public string Session { get; }

    public static async Task<RealtimeClient> ConnectAsync(Uri url, string? apiKey = null)
    {
        var http = Http(url, apiKey);
        using var response = await http.PostAsync("/realtime/v1/negotiate", content: null);
        response.EnsureSuccessStatusCode();
        var negotiated = await response.Content.ReadFromJsonAsync<JsonElement>();
        var hub = await HubClient.ConnectAsync(
            new Uri(negotiated.GetProperty("url").GetString()!), negotiated.GetProperty("accessToken").GetString()!);
        var session = negotiated.GetProperty("sessionToken").GetString()!;
        http.DefaultRequestHeaders.Add("x-realtime-session", session);
        return new RealtimeClient(http, hub, session);
    }

    public static HttpClient Http(Uri url, string? apiKey = null)
    {
        var http = new HttpClient { BaseAddress = url };
        http.DefaultRequestHeaders.Add("apikey", apiKey ?? Tokens.For("anon"));
        return http;
    }

    /// <summary>Joins a topic with the given subscriptions and returns their numbers.</summary>
    public async Task<IReadOnlyList<long>> JoinAsync(string topic, params object[] subscriptions)
    {
        using var response = await PostAsync("join", new { topic, config = new { postgres_changes = subscriptions } });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.IsSuccessStatusCode.Should().BeTrue("the join was answered {0} {1}", response.StatusCode, body);
        return [.. body.GetProperty("postgres_changes").EnumerateArray().Select(binding => binding.GetProperty("id").GetInt64())];
    }

    public Task<HttpResponseMessage> PostAsync(string call, object body, CancellationToken cancellationToken = default) =>
        _http.PostAsJsonAsync($"/realtime/v1/channels/{call}", body, cancellationToken);

    /// <summary>Reads changes of one subscription until so many have come.</summary>
    public async Task<IReadOnlyList<JsonElement>> ChangesAsync(long id, int count)
    {
        var changes = new List<JsonElement>(count);
        while (changes.Count < count)
        {
            var message = (await Hub.NextAsync("postgres_changes", Limit))[0];
            if (message.GetProperty("ids").EnumerateArray().Any(number => number.GetInt64() == id))
            {
                changes.AddRange(message.GetProperty("changes").EnumerateArray());
            }
        }

        return changes;
    }

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        _http.Dispose();
    }
}
