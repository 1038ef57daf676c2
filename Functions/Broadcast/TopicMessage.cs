using System.Text.Json;

namespace Serverless.Broadcast;

/// <summary>A message on its way to a topic.</summary>
/// <param name="Payload">JSON text, or base64 where <paramref name="IsBinary"/>.</param>
/// <param name="From">What the sender gave for its receivers to know it by.</param>
/// <param name="Id">A name that no other message has; null where nothing is kept of it.</param>
internal sealed record TopicMessage(string Topic, bool IsPrivate, string Event, ReadOnlyMemory<byte> Payload, bool IsBinary, string? From = null, Guid? Id = null)
{
    /// <summary>Writes the message as receivers get it: an object with <c>event</c>, its payload, and what else there is.</summary>
    public void WriteTo(Utf8JsonWriter writer, bool isReplayed = false)
    {
        writer.WriteStartObject();
        writer.WriteString("event"u8, Event);
        if (IsBinary)
        {
            writer.WriteString("payload_base64"u8, Payload.Span);
        }
        else
        {
            writer.WritePropertyName("payload"u8);
            writer.WriteRawValue(Payload.Span, skipInputValidation: true);
        }

        if (From is not null)
        {
            writer.WriteString("from"u8, From);
        }

        if (Id is { } id)
        {
            writer.WriteStartObject("meta"u8);
            writer.WriteString("id"u8, id);
            if (isReplayed)
            {
                writer.WriteBoolean("replayed"u8, true);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    // A record prints its members, and payloads are people's words.
    public override string ToString() => nameof(TopicMessage);
}
