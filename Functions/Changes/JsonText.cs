using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Serverless.Changes;

/// <summary>
/// Writes text as a JSON string in the one form that row images use: only what JSON forbids is escaped, everything else stays UTF-8.
/// </summary>
/// <remarks>
/// Equal texts have equal tokens, byte for byte, so an image's value can be compared with an encoded operand without decoding either.
/// RFC 8259, section 7, says what must be escaped: the quotation mark, the backslash and U+0000 to U+001F.
/// </remarks>
internal static class JsonText
{
    private static readonly SearchValues<byte> _escaped = SearchValues.Create(EscapedBytes());

    /// <summary>The token of <paramref name="text"/>, quotes included.</summary>
    public static byte[] Encode(string text)
    {
        var output = new ArrayBufferWriter<byte>(text.Length + 2);
        Write(output, Encoding.UTF8.GetBytes(text));
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Writes the token of <paramref name="utf8"/>, quotes included.</summary>
    /// <remarks>Bytes that are not UTF-8 (a database in SQL_ASCII holds whatever it was given) become U+FFFD: JSON cannot carry them.</remarks>
    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8))
        {
            utf8 = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(utf8));
        }

        output.Write("\""u8);
        for (var next = utf8.IndexOfAny(_escaped); next >= 0; next = utf8.IndexOfAny(_escaped))
        {
            output.Write(utf8[..next]);
            WriteEscape(output, utf8[next]);
            utf8 = utf8[(next + 1)..];
        }

        output.Write(utf8);
        output.Write("\""u8);
    }

    private static void WriteEscape(IBufferWriter<byte> output, byte value)
    {
        switch (value)
        {
            case (byte)'"':
                output.Write("\\\""u8);
                break;
            case (byte)'\\':
                output.Write("\\\\"u8);
                break;
            case (byte)'\b':
                output.Write("\\b"u8);
                break;
            case (byte)'\t':
                output.Write("\\t"u8);
                break;
            case (byte)'\n':
                output.Write("\\n"u8);
                break;
            case (byte)'\f':
                output.Write("\\f"u8);
                break;
            case (byte)'\r':
                output.Write("\\r"u8);
                break;
            default:
                output.Write([(byte)'\\', (byte)'u', (byte)'0', (byte)'0', (byte)('0' + (value >> 4)), "0123456789abcdef"u8[value & 15]]);
                break;
        }
    }

    private static byte[] EscapedBytes() => [(byte)'"', (byte)'\\', .. Enumerable.Range(0, 0x20).Select(value => (byte)value)];
}
