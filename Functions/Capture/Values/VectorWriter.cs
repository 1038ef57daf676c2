using System.Buffers;

namespace Serverless.Capture.Values;

/// <summary>int2vector and oidvector: arrays to <c>to_jsonb</c>, but printed as numbers with a space between.</summary>
internal sealed class VectorWriter(ValueWriter element) : ValueWriter
{
    public override void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        output.Write("["u8);
        var first = true;
        foreach (var range in text.Split((byte)' '))
        {
            if (text[range].IsEmpty)
            {
                continue;
            }

            output.Write(first ? [] : ","u8);
            first = false;
            element.Write(output, text[range]);
        }

        output.Write("]"u8);
    }
}
