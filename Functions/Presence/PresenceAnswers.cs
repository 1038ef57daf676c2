using System.Text.Json.Serialization;
using Serverless.Calls;

namespace Serverless.Presence;

/// <summary>What became of one channel of a call.</summary>
internal sealed record TrackAnswer(
    [property: JsonPropertyName("topic")] string Topic,
    [property: JsonPropertyName("status")] string Status,
    [property: JsonPropertyName("statusCode")] int? StatusCode,
    [property: JsonPropertyName("code")] string? Code,
    [property: JsonPropertyName("message")] string? Message)
{
    public static TrackAnswer Of(string? topic, ErrorAnswer? refusal) => refusal is null
        ? new TrackAnswer(topic!, "ok", null, null, null)
        : new TrackAnswer(Shorten(topic ?? ""), "error", refusal.StatusCode, refusal.Code, refusal.Message);

    private static string Shorten(string topic) => topic.Length <= TopicName.MaxLength ? topic : topic[..TopicName.MaxLength];
}

/// <param name="Interval">Seconds between heartbeats; null where nothing was tracked, and none is wanted.</param>
internal sealed record TrackAnswers(
    [property: JsonPropertyName("channels")] IReadOnlyList<TrackAnswer> Channels,
    [property: JsonPropertyName("interval")] int? Interval);

internal sealed record HeartbeatAnswer(
    [property: JsonPropertyName("interval")] int Interval,
    [property: JsonPropertyName("tracked")] IReadOnlyList<string> Tracked);

/// <summary>What a join tells of presence: who is there, and how often to say so oneself once one is.</summary>
internal sealed record JoinedPresence(
    [property: JsonPropertyName("version")] long Version,
    [property: JsonPropertyName("state"), JsonConverter(typeof(RawJsonConverter))] ReadOnlyMemory<byte> State,
    [property: JsonPropertyName("interval")] int Interval);

internal sealed record TopicAnswer(
    [property: JsonPropertyName("topic")] string Topic,
    [property: JsonPropertyName("private")] bool IsPrivate,
    [property: JsonPropertyName("version")] long Version,
    [property: JsonPropertyName("state"), JsonConverter(typeof(RawJsonConverter))] ReadOnlyMemory<byte> State);
