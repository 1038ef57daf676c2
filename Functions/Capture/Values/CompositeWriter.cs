using System.Buffers;
using Serverless.Changes;

namespace Serverless.Capture.Values;

/// <summary>A composite type's value as an object, one member an attribute.</summary>
/// <param name="attributes">The attributes that are not dropped, in order, by name and how their values are written.</param>
/// <param name="onMismatch">Called when a value has another number of attributes: the type was altered since it was looked up.</param>
/// <param name="onInexact">Called when another value has the same JSON: for an attribute that is JSON's null and not SQL's.</param>
/// <remarks>
/// Source of the text form: <c>record_out</c> in src/backend/utils/adt/rowtypes.c; an empty field without quotes is null.
/// The log prints a value by the type as it was when the row was written, the catalog tells the type as it is. Where the two
/// differ the value is written as its text.
/// </remarks>
internal sealed class CompositeWriter(IReadOnlyList<(string Name, ValueWriter Writer)> attributes, Action onMismatch, Action onInexact) : ValueWriter
{
    private static readonly SearchValues<byte> _ends = SearchValues.Create(",)"u8);

    private readonly (byte[] Name, ValueWriter Writer)[] _attributes =
        [.. attributes.Select(attribute => (JsonText.Encode(attribute.Name), attribute.Writer))];

    public override void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        if (CountFields(text) != _attributes.Length)
        {
            onMismatch();
            JsonText.Write(output, text);
            return;
        }

        output.Write("{"u8);
        var rest = text[1..];
        for (var i = 0; i < _attributes.Length; i++)
        {
            output.Write(i > 0 ? ","u8 : []);
            output.Write(_attributes[i].Name);
            output.Write(":"u8);
            rest = WriteField(output, _attributes[i].Writer, rest);
        }

        output.Write("}"u8);
    }

    /// <summary>Writes the field that <paramref name="rest"/> begins with; returns what follows its delimiter.</summary>
    private ReadOnlySpan<byte> WriteField(IBufferWriter<byte> output, ValueWriter writer, ReadOnlySpan<byte> rest)
    {
        if (rest[0] == (byte)'"')
        {
            using var quoted = QuotedText.Read(rest);
            WriteValue(output, writer, quoted.Text);
            return rest[(quoted.Consumed + 1)..];
        }

        var end = rest.IndexOfAny(_ends);
        if (end == 0)
        {
            output.Write("null"u8);
        }
        else
        {
            WriteValue(output, writer, rest[..end]);
        }

        return rest[(end + 1)..];
    }

    private void WriteValue(IBufferWriter<byte> output, ValueWriter writer, ReadOnlySpan<byte> text)
    {
        if (writer.IsJsonNull(text))
        {
            onInexact();
        }

        writer.Write(output, text);
    }

    // "()" is one null field or none at all; which of the two only the type knows, and a type without attributes has nothing to write.
    private int CountFields(ReadOnlySpan<byte> text)
    {
        if (_attributes.Length == 0 && text.SequenceEqual("()"u8))
        {
            return 0;
        }

        var fields = 1;
        var quoted = false;
        for (var i = 1; i < text.Length - 1; i++)
        {
            switch (text[i])
            {
                case (byte)'"':
                    quoted = !quoted;
                    break;
                case (byte)'\\':
                    i++;
                    break;
                case (byte)',' when !quoted:
                    fields++;
                    break;
                default:
                    break;
            }
        }

        return fields;
    }
}
