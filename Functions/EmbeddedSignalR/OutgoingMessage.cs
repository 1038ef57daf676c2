using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;

namespace Serverless.EmbeddedSignalR;

/// <summary>One message as clients get it: written once, however many they are. The arguments' JSON passes through as it came.</summary>
/// <remarks>In the JSON hub protocol, the only one spoken here: MessagePack would need the arguments as values.</remarks>
internal sealed class OutgoingMessage
{
    public const string Protocol = "json";

    // Ends each message of the JSON hub protocol. It cannot occur inside one: JSON escapes control characters.
    private const byte RecordSeparator = 0x1e;

    private static readonly JsonWriterOptions _writerOptions = new() { SkipValidation = true };

    private OutgoingMessage(ReadOnlyMemory<byte> frame, bool isLast = false)
    {
        Frame = new SerializedHubMessage([new SerializedMessage(Protocol, frame)]);
        Length = frame.Length;
        IsLast = isLast;
    }

    public SerializedHubMessage Frame { get; }

    public int Length { get; }

    /// <summary>Whether the connection ends after it.</summary>
    public bool IsLast { get; }

    /// <param name="argumentsJson">A JSON array, already checked to be one.</param>
    public static OutgoingMessage Invocation(string target, ReadOnlySpan<byte> argumentsJson)
    {
        var frame = new ArrayBufferWriter<byte>(argumentsJson.Length + target.Length + 64);
        using (var writer = new Utf8JsonWriter(frame, _writerOptions))
        {
            writer.WriteStartObject();
            writer.WriteNumber("type"u8, HubProtocolConstants.InvocationMessageType);
            writer.WriteString("target"u8, target);
            writer.WritePropertyName("arguments"u8);
            writer.WriteRawValue(argumentsJson, skipInputValidation: true);
            writer.WriteEndObject();
        }

        frame.Write([RecordSeparator]);
        return new OutgoingMessage(frame.WrittenMemory);
    }

    public static OutgoingMessage Close(string reason)
    {
        var frame = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(frame, _writerOptions))
        {
            writer.WriteStartObject();
            writer.WriteNumber("type"u8, HubProtocolConstants.CloseMessageType);
            writer.WriteString("error"u8, reason);
            writer.WriteEndObject();
        }

        frame.Write([RecordSeparator]);
        return new OutgoingMessage(frame.WrittenMemory, isLast: true);
    }
}
