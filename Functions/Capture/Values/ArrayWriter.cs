using System.Buffers;

namespace Serverless.Capture.Values;

/// <summary>
/// Arrays of any dimension. Lower bounds (<c>[2:3]={1,2}</c>) are left out, as <c>to_jsonb</c> leaves them out.
/// </summary>
/// <param name="element">Writes the elements that are not null.</param>
/// <param name="delimiter"><c>pg_type.typdelim</c> of the element's type: a comma, but for box a semicolon.</param>
/// <param name="onInexact">Called when another value has the same JSON: for lower bounds, and for an element that is JSON's null and not SQL's.</param>
/// <remarks>Source of the text form: <c>array_out</c> in src/backend/utils/adt/arrayfuncs.c. It puts no white space between tokens.</remarks>
internal sealed class ArrayWriter(ValueWriter element, byte delimiter, Action onInexact) : ValueWriter
{
    private readonly SearchValues<byte> _ends = SearchValues.Create([delimiter, (byte)'}']);

    public override void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        var rest = text;
        if (text is [(byte)'[', ..])
        {
            onInexact();
            rest = text[(text.IndexOf((byte)'=') + 1)..];
        }

        while (!rest.IsEmpty)
        {
            switch (rest[0])
            {
                case (byte)'{':
                    output.Write("["u8);
                    rest = rest[1..];
                    break;
                case (byte)'}':
                    output.Write("]"u8);
                    rest = rest[1..];
                    break;
                case var first when first == delimiter:
                    output.Write(","u8);
                    rest = rest[1..];
                    break;
                default:
                    rest = WriteElement(output, rest);
                    break;
            }
        }
    }

    private ReadOnlySpan<byte> WriteElement(IBufferWriter<byte> output, ReadOnlySpan<byte> rest)
    {
        if (rest[0] == (byte)'"')
        {
            using var quoted = QuotedText.Read(rest);
            if (element.IsJsonNull(quoted.Text))
            {
                onInexact();
            }

            element.Write(output, quoted.Text);
            return rest[quoted.Consumed..];
        }

        var end = rest.IndexOfAny(_ends);
        var bare = end < 0 ? rest : rest[..end];
        if (bare.SequenceEqual("NULL"u8))
        {
            output.Write("null"u8);
        }
        else
        {
            element.Write(output, bare);
        }

        return rest[bare.Length..];
    }
}
