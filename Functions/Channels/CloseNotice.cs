using System.Buffers;
using System.Text.Json;
using Serverless.Calls;

namespace Serverless.Channels;

/// <summary>What a client is told when one of its channels was ended: the arguments of a <c>close</c> message.</summary>
internal static class CloseNotice
{
    public static ReadOnlyMemory<byte> For(string topic, ErrorAnswer reason)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartArray();
            writer.WriteStartObject();
            writer.WriteStartArray("topics"u8);
            writer.WriteStringValue(topic);
            writer.WriteEndArray();
            writer.WriteString("reason"u8, $"{reason.Code}: {reason.Message}");
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        return output.WrittenMemory;
    }
}
