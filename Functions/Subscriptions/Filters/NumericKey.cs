namespace Serverless.Subscriptions.Filters;

/// <summary>Orders <c>numeric</c>: the exponent and the first digits in one integer, further digits behind it.</summary>
/// <remarks>
/// PostgreSQL allows 131072 digits before the point and 16383 after it (the manual, "Numeric Types"), so that an exponent takes 18 bits and leaves 44 for
/// thirteen digits. Infinities stand at the ends, NaN above them.
/// </remarks>
internal static class NumericKey
{
    public const int LeadingDigits = 13;

    private const int DigitBits = 44;
    private const int LowestExponent = -20_000;
    private const int HighestExponent = 140_000;

    /// <param name="text">Plain digits, as PostgreSQL prints them: no exponent.</param>
    /// <param name="further">The digits after the first thirteen, without zeros at the end; null where there are none.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, out long number, out byte[]? further)
    {
        further = null;
        number = text.SequenceEqual("NaN"u8) ? long.MaxValue
            : text.SequenceEqual("Infinity"u8) ? long.MaxValue - 1
            : text.SequenceEqual("-Infinity"u8) ? -(long.MaxValue - 1)
            : 0;
        return number != 0 || TryReadFinite(text, out number, out further);
    }

    private static bool TryReadFinite(ReadOnlySpan<byte> text, out long number, out byte[]? further)
    {
        number = 0;
        further = null;
        var isNegative = text is [(byte)'-', ..];
        var digits = isNegative ? text[1..] : text;
        var point = digits.IndexOf((byte)'.');
        if (digits.Length == 0 || point == digits.Length - 1 || !IsNumber(digits, point))
        {
            return false;
        }

        var whole = point < 0 ? digits.Length : point;
        var first = digits.IndexOfAnyExcept((byte)'0', (byte)'.');
        if (first < 0)
        {
            return true;
        }

        // The power of ten of the first digit that is not zero.
        var exponent = first < whole ? whole - first - 1 : whole - first;
        if (exponent is < LowestExponent or > HighestExponent)
        {
            return false;
        }

        var significant = digits[first..].TrimEnd(point >= 0 ? "0."u8 : "0"u8);
        var leading = ReadLeading(ref significant);
        number = ((long)(exponent - LowestExponent) << DigitBits) | leading;
        number = isNegative ? -number : number;
        further = ReadFurther(significant);
        return true;
    }

    private static bool IsNumber(ReadOnlySpan<byte> digits, int point) =>
        !digits[..(point < 0 ? digits.Length : point)].ContainsAnyExceptInRange((byte)'0', (byte)'9')
        && !digits[(point + 1)..].ContainsAnyExceptInRange((byte)'0', (byte)'9');

    // The first digits as an integer, padded with zeros; what remains stays in the span.
    private static long ReadLeading(ref ReadOnlySpan<byte> significant)
    {
        var value = 0L;
        var count = 0;
        while (count < LeadingDigits && !significant.IsEmpty)
        {
            if (significant[0] != '.')
            {
                value = (value * 10) + (significant[0] - '0');
                count++;
            }

            significant = significant[1..];
        }

        for (; count < LeadingDigits; count++)
        {
            value *= 10;
        }

        return value;
    }

    private static byte[]? ReadFurther(ReadOnlySpan<byte> significant)
    {
        var point = significant.IndexOf((byte)'.');
        if (point < 0)
        {
            return significant.IsEmpty ? null : significant.ToArray();
        }

        return [.. significant[..point], .. significant[(point + 1)..]];
    }
}
