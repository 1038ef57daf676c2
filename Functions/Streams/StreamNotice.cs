using System.Text.Json.Serialization;
using Serverless.Resume;

namespace Serverless.Streams;

/// <summary>The data of an event <c>system</c>, as of the message of that name by SignalR.</summary>
/// <param name="Code">Null where nothing is wrong.</param>
internal sealed record StreamNotice(
    [property: JsonPropertyName("status")] string Status,
    [property: JsonPropertyName("code")] string? Code,
    [property: JsonPropertyName("message")] string Message)
{
    public static StreamNotice TokenExpired { get; } = new(
        "error", "TokenExpired", "The token has expired, and the stream with it. Get a new one from your authentication service, and open a stream with it.");
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StreamNotice))]
[JsonSerializable(typeof(Gap))]
internal sealed partial class StreamJson : JsonSerializerContext;
