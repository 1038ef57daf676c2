using System.Buffers;
using System.Text;

namespace Serverless.Changes;

/// <summary>Writes text as a JSON string, always in the same bytes, so that equal strings are equal tokens.</summary>
/// <remarks>Only what RFC 8259 section 7 demands is escaped: the quote, the backslash, and control characters; everything else stays UTF-8.</remarks>
internal static class JsonText
{
    private static readonly SearchValues<byte> _escaped = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(value => (byte)value), (byte)'"', (byte)'\\']);

    public static void WriteString(IBufferWriter<byte> output, ReadOnlySpan<byte> utf8)
    {
        output.Write("\""u8);
        while (true)
        {
            var plain = utf8.IndexOfAny(_escaped);
            if (plain < 0)
            {
                output.Write(utf8);
                break;
            }

            output.Write(utf8[..plain]);
            WriteEscape(output, utf8[plain]);
            utf8 = utf8[(plain + 1)..];
        }

        output.Write("\""u8);
    }

    /// <summary>The text as a JSON string token.</summary>
    public static byte[] Token(string text)
    {
        var output = new ArrayBufferWriter<byte>(text.Length + 2);
        WriteString(output, Encoding.UTF8.GetBytes(text));
        return output.WrittenSpan.ToArray();
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
            case (byte)'\n':
                output.Write("\\n"u8);
                break;
            case (byte)'\r':
                output.Write("\\r"u8);
                break;
            case (byte)'\t':
                output.Write("\\t"u8);
                break;
            case (byte)'\b':
                output.Write("\\b"u8);
                break;
            case (byte)'\f':
                output.Write("\\f"u8);
                break;
            default:
                output.Write("\\u00"u8);
                output.Write([Hex(value >> 4), Hex(value & 0xF)]);
                break;
        }
    }

    private static byte Hex(int digit) => (byte)(digit < 10 ? '0' + digit : 'a' + digit - 10);
}
