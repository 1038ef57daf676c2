using System.Buffers;

namespace Serverless.Capture.Values;

/// <summary>Text that is JSON already: integers and numerics that are numbers, json and jsonb, and what the server itself has converted.</summary>
internal sealed class VerbatimWriter : ValueWriter
{
    public static VerbatimWriter Instance { get; } = new();

    public override void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text) => output.Write(text);

    public override bool IsJsonNull(ReadOnlySpan<byte> text) => text.Trim(" \t\r\n"u8).SequenceEqual("null"u8);
}
