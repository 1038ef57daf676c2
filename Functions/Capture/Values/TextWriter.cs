using System.Buffers;
using Serverless.Changes;

namespace Serverless.Capture.Values;

/// <summary>The text output as a JSON string: text, uuid, enums, ranges, bytea, intervals and all else that is not special.</summary>
internal sealed class TextWriter : ValueWriter
{
    public static TextWriter Instance { get; } = new();

    public override void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text) => JsonText.Write(output, text);
}
