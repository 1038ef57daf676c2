using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Serverless.Auth;
using Serverless.Delivery;
using Serverless.Support;
using Serverless.Topics;

namespace Serverless.Presence;

/// <summary>A client that has joined a topic and is told who is present there.</summary>
internal sealed class PresenceMember : IAsyncDisposable
{
    private readonly RealtimeClient _client;
    private readonly HttpClient _http;

    private PresenceMember(RealtimeClient client, HttpClient http, Guid session, PresenceView view)
    {
        _client = client;
        _http = http;
        Session = session;
        View = view;
    }

    public Guid Session { get; }

    public HubClient Hub => _client.Hub;

    /// <summary>As of the join, and then of the diffs that were read.</summary>
    public PresenceView View { get; }

    public static async Task<PresenceMember> JoinAsync(
        RealtimeTestApp app, TestDatabase database, string topic, string key, bool isPrivate = false, string? token = null)
    {
        var client = await RealtimeClient.ConnectAsync(app.Url, token);
        var services = app.App.Services;
        services.GetRequiredService<SessionTokens>().TryRead(client.Session, out var session).Should().BeTrue();
        await RegisterAsync(database, session, topic, key, isPrivate, subject: null);
        await services.GetRequiredService<IRealtimeDelivery>().AddUserToGroupAsync(session.ToString("N"), TopicGroups.Presence(topic, isPrivate), CancellationToken.None);
        var snapshot = await services.GetRequiredService<PresenceStore>().ReadAsync(topic, isPrivate, CancellationToken.None);
        var http = RealtimeClient.Http(app.Url, token);
        http.DefaultRequestHeaders.Add("x-realtime-session", client.Session);
        return new PresenceMember(client, http, session, PresenceView.Of(snapshot));
    }

    /// <summary>Registers a session's topic as a join does.</summary>
    public static async Task RegisterAsync(TestDatabase database, Guid session, string topic, string key, bool isPrivate, string? subject)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync();
        var joined = new JoinedTopic(topic, isPrivate, "anon", "00", "{}", TimeProvider.System.GetUtcNow().AddHours(1), key, true)
        {
            Groups = [TopicGroups.Presence(topic, isPrivate)],
        };
        await TopicRegistry.JoinAsync(connection, session, subject, joined, maxTopics: 200, CancellationToken.None);
    }

    public async Task TrackAsync(string topic, object payload)
    {
        using var response = await PostAsync("track", new { topic, payload });
        await ExpectOkAsync(response);
    }

    public async Task UntrackAsync(string topic)
    {
        using var response = await PostAsync("untrack", new { topic });
        await ExpectOkAsync(response);
    }

    public async Task<JsonElement> HeartbeatAsync(object? body = null)
    {
        using var response = body is null ? await _http.PostAsync("/realtime/v1/presence/heartbeat", content: null) : await PostAsync("heartbeat", body);
        response.StatusCode.Should().Be(HttpStatusCode.OK);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    public Task<HttpResponseMessage> PostAsync(string call, object body) => _http.PostAsJsonAsync($"/realtime/v1/presence/{call}", body);

    public Task<HttpResponseMessage> PostAsync(string call, HttpContent body) => _http.PostAsync($"/realtime/v1/presence/{call}", body);

    public Task<JsonElement> LookAsync(string topic, bool isPrivate = false) =>
        _http.GetFromJsonAsync<JsonElement>($"/realtime/v1/presence/{Uri.EscapeDataString(topic)}?private={(isPrivate ? "true" : "false")}");

    public Task<HttpResponseMessage> GetAsync(string path) => _http.GetAsync(path);

    /// <summary>The next diff, taken into the view.</summary>
    public async Task<JsonElement> NextDiffAsync()
    {
        var diff = (await Hub.NextAsync("presence_diff", RealtimeClient.Limit))[0];
        View.Apply(diff);
        return diff;
    }

    public async Task<JsonElement> NextStateAsync() => (await Hub.NextAsync("presence_state", RealtimeClient.Limit))[0];

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        _http.Dispose();
    }

    private static async Task ExpectOkAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStringAsync();
        response.StatusCode.Should().Be(HttpStatusCode.OK, body);
        JsonDocument.Parse(body).RootElement.GetProperty("channels")[0].GetProperty("status").GetString().Should().Be("ok", body);
    }
}
