using System.Buffers;
using System.Text.Json;

namespace Serverless.Subscriptions.Registry;

/// <summary>What a client is told when a channel's token has expired: the arguments of a <c>system</c> message.</summary>
internal static class ExpiryNotice
{
    public static ReadOnlyMemory<byte> For(IReadOnlyList<string> topics)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartArray();
            writer.WriteStartObject();
            writer.WriteStartArray("topics"u8);
            foreach (var topic in topics)
            {
                writer.WriteStringValue(topic);
            }

            writer.WriteEndArray();
            writer.WriteString("extension"u8, "system"u8);
            writer.WriteString("status"u8, "error"u8);
            writer.WriteString("code"u8, "TokenExpired"u8);
            writer.WriteString("message"u8, "The token has expired, so nothing arrives any more. Send a new one (supabase-js: realtime.setAuth); the channel is still open."u8);
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        return output.WrittenMemory;
    }
}
