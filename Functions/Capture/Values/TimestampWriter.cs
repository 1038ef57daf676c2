using System.Buffers;

namespace Serverless.Capture.Values;

/// <summary>
/// timestamp and timestamptz in the form of XML Schema, as <c>JsonEncodeDateTime</c> writes them: a <c>T</c> between date and time, minutes in
/// the offset. The era (<c> BC</c>) stays behind, the infinities stay words.
/// </summary>
internal sealed class TimestampWriter(bool withZone) : ValueWriter
{
    public static TimestampWriter WithoutZone { get; } = new(withZone: false);

    public static TimestampWriter WithZone { get; } = new(withZone: true);

    public override void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        output.Write("\""u8);
        var space = text.IndexOf((byte)' ');
        if (space < 0)
        {
            output.Write(text);
        }
        else
        {
            output.Write(text[..space]);
            output.Write("T"u8);
            WriteTime(output, text[(space + 1)..]);
        }

        output.Write("\""u8);
    }

    private void WriteTime(IBufferWriter<byte> output, ReadOnlySpan<byte> time)
    {
        // The session is in UTC, so the offset is always +00.
        var offset = withZone ? time.IndexOf((byte)'+') : -1;
        if (offset < 0)
        {
            output.Write(time);
            return;
        }

        output.Write(time[..(offset + 3)]);
        output.Write(":00"u8);
        output.Write(time[(offset + 3)..]);
    }
}
