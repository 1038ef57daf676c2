using System.Text.Json;
using System.Text.Json.Serialization;

namespace Serverless.Presence;

/// <summary>The body of <c>presence/track</c> and <c>presence/untrack</c>: one channel, or several in <see cref="Channels"/>.</summary>
internal sealed record TrackBody
{
    [JsonPropertyName("topic")]
    public string? Topic { get; init; }

    [JsonPropertyName("payload")]
    public JsonElement? Payload { get; init; }

    [JsonPropertyName("channels")]
    public IReadOnlyList<TrackBody?>? Channels { get; init; }
}

/// <summary>The body of <c>presence/heartbeat</c>, where there is one.</summary>
internal sealed record HeartbeatBody
{
    [JsonPropertyName("status")]
    public string? Status { get; init; }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = 1000)]
[JsonSerializable(typeof(TrackBody))]
[JsonSerializable(typeof(HeartbeatBody))]
[JsonSerializable(typeof(TrackAnswers))]
[JsonSerializable(typeof(HeartbeatAnswer))]
[JsonSerializable(typeof(TopicAnswer))]
internal sealed partial class PresenceJson : JsonSerializerContext;
