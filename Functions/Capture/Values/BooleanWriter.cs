using System.Buffers;

namespace Serverless.Capture.Values;

/// <summary><c>t</c> or <c>f</c>.</summary>
internal sealed class BooleanWriter : ValueWriter
{
    public static BooleanWriter Instance { get; } = new();

    public override void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text) =>
        output.Write(text.SequenceEqual("t"u8) ? "true"u8 : "false"u8);
}
