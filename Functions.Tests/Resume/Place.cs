using System.Text.Json;
using Serverless.Changes;
using Serverless.Support;

namespace Serverless.Resume;

/// <summary>How far a client has come.</summary>
internal sealed record Place(string Epoch, ChangePosition Cursor, IReadOnlyDictionary<string, ChangePosition> Tables)
{
    public static Place Of(JsonElement cursor) => new(cursor.GetProperty("epoch").GetString()!, ResumeTests.PositionOf(cursor), new Dictionary<string, ChangePosition>());

    /// <summary>As it is after a change of <c>todos</c> was seen.</summary>
    public Place After(ChangePosition position) =>
        Tables.TryGetValue("todos", out var seen) && seen >= position ? this : this with { Tables = new Dictionary<string, ChangePosition>(Tables) { ["todos"] = position } };

    public Place Merge(JsonElement tables)
    {
        var merged = new Dictionary<string, ChangePosition>(Tables);
        foreach (var table in tables.EnumerateArray())
        {
            merged[table.GetProperty("table").GetString()!] = ResumeTests.PositionOf(table);
        }

        return this with { Tables = merged };
    }
}

/// <param name="End">From where to go on.</param>
internal sealed record Missed(List<JsonElement> Changes, int Pages, string? Gap, Place End);

/// <summary>A client under a session of its own, joined to one topic with one subscription.</summary>
internal sealed class Returned(RealtimeClient client, JsonElement answer) : IAsyncDisposable
{
    public const string Topic = "room";

    public RealtimeClient Client => client;

    public long Id { get; } = answer.GetProperty("postgres_changes")[0].GetProperty("id").GetInt64();

    public Place Cursor { get; } = Place.Of(answer.GetProperty("cursor"));

    public static async Task<Returned> JoinAsync(RealtimeTestApp app, string? subject, object subscription)
    {
        var client = await RealtimeClient.ConnectAsync(app.Url, subject is null ? null : Tokens.For("authenticated", subject));
        using var response = await client.PostAsync("join", new { topic = Topic, config = new { postgres_changes = new[] { subscription } } });
        var answer = await System.Net.Http.Json.HttpContentJsonExtensions.ReadFromJsonAsync<JsonElement>(response.Content);
        response.IsSuccessStatusCode.Should().BeTrue("the join was answered {0}", answer);
        return new Returned(client, answer);
    }

    /// <summary>Asks for what was missed, until there is no more.</summary>
    public async Task<Missed> ResumeAsync(Place place)
    {
        var changes = new List<JsonElement>();
        for (var pages = 1; ; pages++)
        {
            using var response = await client.PostAsync("resume", new { channels = new[] { ResumeTests.Body(place, Id) } });
            var body = await System.Net.Http.Json.HttpContentJsonExtensions.ReadFromJsonAsync<JsonElement>(response.Content);
            response.IsSuccessStatusCode.Should().BeTrue("the call was answered {0}", body);
            var channel = body.GetProperty("channels")[0];
            channel.GetProperty("status").GetString().Should().Be("ok", "{0}", channel);
            changes.AddRange(channel.GetProperty("messages").EnumerateArray().SelectMany(message => message.GetProperty("changes").EnumerateArray()));
            var subscription = channel.GetProperty("subscriptions")[0];
            if (subscription.TryGetProperty("gap", out var gap))
            {
                return new Missed(changes, pages, gap.GetProperty("reason").GetString(), Place.Of(subscription.GetProperty("cursor")));
            }

            place = place.Merge(subscription.GetProperty("tables"));
            if (!subscription.GetProperty("more").GetBoolean())
            {
                return new Missed(changes, pages, null, place);
            }
        }
    }

    public ValueTask DisposeAsync() => client.DisposeAsync();
}
