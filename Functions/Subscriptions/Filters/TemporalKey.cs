namespace Serverless.Subscriptions.Filters;

/// <summary>Orders dates and times by their distance from an epoch: days for <c>date</c>, microseconds for the others.</summary>
/// <remarks>
/// The forms are those of ISO 8601 as PostgreSQL prints them in JSON: years of four digits or more, <c> BC</c> at the end for those before year 1, a timestamptz in
/// UTC with <c>+00:00</c>, and <c>infinity</c> and <c>-infinity</c> for the ends of the order.
/// </remarks>
internal static class TemporalKey
{
    private const long MicrosecondsPerSecond = 1_000_000;
    private const long MicrosecondsPerDay = 86_400 * MicrosecondsPerSecond;

    // PostgreSQL's epoch, 2000-01-01, counted from 1 March of the year before year 1. Its last microsecond fits into 64 bits only from there.
    private const long EpochDay = 730_425;

    public static bool TryReadDate(ReadOnlySpan<byte> text, out long days)
    {
        if (TryReadInfinity(text, out days))
        {
            return true;
        }

        var isBeforeChrist = TakeEra(ref text);
        return TryReadDay(text, isBeforeChrist, out days);
    }

    public static bool TryReadTime(ReadOnlySpan<byte> text, out long microseconds)
    {
        microseconds = 0;
        if (text.Length < 8 || text[2] != ':' || text[5] != ':'
            || !TryReadDigits(text[..2], out var hours) || !TryReadDigits(text[3..5], out var minutes) || !TryReadDigits(text[6..8], out var seconds)
            || !TryReadFraction(text[8..], out var fraction))
        {
            return false;
        }

        microseconds = ((((hours * 60) + minutes) * 60) + seconds) * MicrosecondsPerSecond + fraction;
        return true;
    }

    public static bool TryReadTimestamp(ReadOnlySpan<byte> text, out long microseconds)
    {
        if (TryReadInfinity(text, out microseconds))
        {
            return true;
        }

        var isBeforeChrist = TakeEra(ref text);
        if (text.EndsWith("+00:00"u8))
        {
            text = text[..^6];
        }

        var separator = text.IndexOf((byte)'T');
        if (separator < 0 || !TryReadDay(text[..separator], isBeforeChrist, out var days) || !TryReadTime(text[(separator + 1)..], out var time))
        {
            return false;
        }

        microseconds = (days * MicrosecondsPerDay) + time;
        return true;
    }

    private static bool TryReadInfinity(ReadOnlySpan<byte> text, out long value)
    {
        value = text.SequenceEqual("infinity"u8) ? long.MaxValue : text.SequenceEqual("-infinity"u8) ? long.MinValue : 0;
        return value != 0;
    }

    private static bool TakeEra(ref ReadOnlySpan<byte> text)
    {
        if (!text.EndsWith(" BC"u8))
        {
            return false;
        }

        text = text[..^3];
        return true;
    }

    private static bool TryReadDay(ReadOnlySpan<byte> text, bool isBeforeChrist, out long days)
    {
        days = 0;
        if (text.Length < 10 || text[^3] != '-' || text[^6] != '-'
            || !TryReadDigits(text[..^6], out var year) || !TryReadDigits(text[^5..^3], out var month) || !TryReadDigits(text[^2..], out var day))
        {
            return false;
        }

        // There is no year 0: 1 BC comes right before year 1.
        days = DayNumber(isBeforeChrist ? 1 - year : year, month, day);
        return true;
    }

    // Days of the proleptic Gregorian calendar. Years begin in March here, so that the leap day is a year's last and months need no table.
    private static long DayNumber(long year, long month, long day)
    {
        var shifted = month > 2 ? year : year - 1;
        var monthFromMarch = month > 2 ? month - 3 : month + 9;
        var era = Math.DivRem(shifted, 400, out var yearOfEra) is var quotient && yearOfEra < 0 ? quotient - 1 : quotient;
        yearOfEra = shifted - (era * 400);
        var dayOfYear = ((153 * monthFromMarch) + 2) / 5 + day - 1;
        return (era * 146_097) + (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear - EpochDay;
    }

    private static bool TryReadFraction(ReadOnlySpan<byte> text, out long microseconds)
    {
        microseconds = 0;
        if (text.IsEmpty)
        {
            return true;
        }

        if (text[0] != '.' || text.Length is < 2 or > 7 || !TryReadDigits(text[1..], out microseconds))
        {
            return false;
        }

        for (var i = text.Length; i < 7; i++)
        {
            microseconds *= 10;
        }

        return true;
    }

    // At most nine digits: years have seven.
    private static bool TryReadDigits(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        if (text.IsEmpty || text.Length > 9 || text.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return false;
        }

        foreach (var digit in text)
        {
            value = (value * 10) + (digit - '0');
        }

        return true;
    }
}
