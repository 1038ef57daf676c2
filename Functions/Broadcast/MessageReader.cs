using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Serverless.Calls;

namespace Serverless.Broadcast;

/// <summary>A message as a client wrote it into <c>channels/broadcast</c>.</summary>
internal sealed record MessageBody
{
    [JsonPropertyName("topic")]
    public string? Topic { get; init; }

    [JsonPropertyName("private")]
    public bool Private { get; init; }

    [JsonPropertyName("event")]
    public string? Event { get; init; }

    [JsonPropertyName("payload")]
    public JsonElement? Payload { get; init; }

    [JsonPropertyName("payload_base64")]
    public string? PayloadBase64 { get; init; }

    [JsonPropertyName("from")]
    public string? From { get; init; }
}

internal sealed record MessagesBody
{
    [JsonPropertyName("messages")]
    public IReadOnlyList<MessageBody?>? Messages { get; init; }
}

/// <summary>Checks a message as far as its own words go.</summary>
internal static class MessageReader
{
    /// <summary>How deep a payload may be nested. As deep as the JSON readers of browsers and SignalR clients bear without fail.</summary>
    public const int MaxDepth = 128;

    public const int MaxEventLength = 255;
    public const int MaxFromLength = 64;

    /// <returns>The message, or null with the reason.</returns>
    public static TopicMessage? Read(MessageBody? body, int payloadBytes, out ErrorAnswer? refusal)
    {
        refusal = TopicName.Check(body?.Topic) ?? CheckEvent(body?.Event);
        if (refusal is not null)
        {
            return null;
        }

        if (body!.From is { Length: > MaxFromLength })
        {
            refusal = ErrorAnswer.BadRequest("InvalidBody", $"'from' is {body.From.Length} characters long; at most {MaxFromLength} are accepted.");
            return null;
        }

        var payload = PayloadOf(body, out var size);
        if (payload is null)
        {
            refusal = ErrorAnswer.BadRequest("InvalidBody", "'payload_base64' is not base64.");
        }
        else if (size > payloadBytes)
        {
            refusal = TooLarge(size, payloadBytes);
        }

        return refusal is null ? new TopicMessage(body.Topic!, body.Private, body.Event!, payload, body.PayloadBase64 is not null, body.From) : null;
    }

    public static ErrorAnswer? CheckEvent(string? name) => name switch
    {
        null or "" => ErrorAnswer.BadRequest("InvalidEvent", "The message has no event. Give 'event' a name of 1 to 255 characters."),
        { Length: > MaxEventLength } => ErrorAnswer.BadRequest("InvalidEvent", $"The event's name is {name.Length} characters long; at most {MaxEventLength} are accepted."),
        _ => null,
    };

    public static ErrorAnswer TooLarge(int size, int most) => new(
        StatusCodes.Status413PayloadTooLarge, "PayloadTooLarge", $"The payload has {size} bytes; at most {most} are accepted (Limits:PayloadBytes). Send less, or a reference to it.");

    private static byte[]? PayloadOf(MessageBody body, out int size)
    {
        if (body.PayloadBase64 is { } text)
        {
            var bytes = new byte[text.Length];
            var isBase64 = Convert.TryFromBase64String(text, bytes, out size);
            return isBase64 ? Encoding.UTF8.GetBytes(Convert.ToBase64String(bytes.AsSpan(0, size))) : null;
        }

        var json = body.Payload is { ValueKind: not JsonValueKind.Undefined } payload ? Encoding.UTF8.GetBytes(payload.GetRawText()) : "null"u8.ToArray();
        size = json.Length;
        return json;
    }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = MessageReader.MaxDepth)]
[JsonSerializable(typeof(MessagesBody))]
[JsonSerializable(typeof(MessageAnswers))]
internal sealed partial class BroadcastJson : JsonSerializerContext;
