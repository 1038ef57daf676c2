using System.Globalization;

namespace Serverless.Changes;

/// <summary>A log sequence number: a byte address in the write-ahead log, written as PostgreSQL writes it (<c>16/B374D848</c>).</summary>
/// <remarks>Source of the text form: PostgreSQL manual, section 8.20 (<c>pg_lsn</c>).</remarks>
internal readonly record struct Lsn(ulong Value) : IComparable<Lsn>
{
    public static Lsn Parse(string text) =>
        TryParse(text, out var lsn)
            ? lsn
            : throw new FormatException($"'{text}' is not a log sequence number; expected two hexadecimal numbers, as in '16/B374D848'.");

    public static bool TryParse(ReadOnlySpan<char> text, out Lsn lsn)
    {
        var slash = text.IndexOf('/');
        if (slash is > 0 and <= 8
            && text.Length - slash - 1 is > 0 and <= 8
            && uint.TryParse(text[..slash], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var high)
            && uint.TryParse(text[(slash + 1)..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low))
        {
            lsn = new Lsn(((ulong)high << 32) | low);
            return true;
        }

        lsn = default;
        return false;
    }

    public int CompareTo(Lsn other) => Value.CompareTo(other.Value);

    public static bool operator <(Lsn left, Lsn right) => left.Value < right.Value;

    public static bool operator >(Lsn left, Lsn right) => left.Value > right.Value;

    public static bool operator <=(Lsn left, Lsn right) => left.Value <= right.Value;

    public static bool operator >=(Lsn left, Lsn right) => left.Value >= right.Value;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(uint)(Value >> 32):X}/{(uint)Value:X}");
}
