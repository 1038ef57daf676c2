using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Broadcast;

/// <summary>What tests of topics say to the service, and read of its answers and messages.</summary>
internal static class TopicClient
{
    public static async Task<JsonElement> JoinTopicAsync(this RealtimeClient client, string topic, object config, string? token = null)
    {
        using var response = await client.PostAsync("join", new { topic, access_token = token, config });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.IsSuccessStatusCode.Should().BeTrue("the join was answered {0} {1}", response.StatusCode, body);
        return body;
    }

    /// <summary>Sends messages, and returns what became of each: <c>ok</c> or a code.</summary>
    public static async Task<IReadOnlyList<string>> BroadcastAsync(this RealtimeClient client, params object[] messages)
    {
        using var response = await client.PostAsync("broadcast", new { messages });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        return response.IsSuccessStatusCode
            ? [.. body.GetProperty("messages").EnumerateArray().Select(answer => answer.TryGetProperty("code", out var code) ? code.GetString()! : answer.GetProperty("status").GetString()!)]
            : [body.GetProperty("code").GetString()!];
    }

    /// <summary>The next messages of a topic, so many.</summary>
    public static async Task<IReadOnlyList<JsonElement>> MessagesAsync(this RealtimeClient client, int count)
    {
        var messages = new List<JsonElement>();
        while (messages.Count < count)
        {
            messages.AddRange((await client.Hub.NextAsync("broadcast", RealtimeClient.Limit))[0].GetProperty("messages").EnumerateArray());
        }

        return messages;
    }

    public static string Event(this JsonElement message) => message.GetProperty("event").GetString()!;
}
