using System.Text;

namespace Serverless.Subscriptions.Filters;

/// <summary>A pattern of SQL's LIKE over UTF-8: <c>%</c> for any text, <c>_</c> for one character, a backslash before a character that means itself.</summary>
/// <remarks>
/// That is PostgreSQL's matching wherever the collation finds only the same text equal (src/backend/utils/adt/like_match.c): bytes are compared, and a
/// character is a code point.
/// </remarks>
internal sealed class LikePattern
{
    private const short AnyText = -1;
    private const short AnyCharacter = -2;

    // A byte is looked for in vectors.
    private const int BytesInStep = 16;

    private readonly short[] _units;

    private LikePattern(short[] units) => _units = units;

    /// <summary>Null where the pattern ends in a backslash that escapes nothing, which PostgreSQL refuses when it meets it.</summary>
    public static LikePattern? Parse(string pattern)
    {
        var bytes = Encoding.UTF8.GetBytes(pattern);
        var units = new List<short>(bytes.Length);
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != '\\')
            {
                units.Add(bytes[i] switch { (byte)'%' => AnyText, (byte)'_' => AnyCharacter, var literal => literal });
            }
            else if (++i < bytes.Length)
            {
                units.Add(bytes[i]);
            }
            else
            {
                return null;
            }
        }

        return new LikePattern([.. units]);
    }

    /// <summary>Whether the whole text fits; null where that takes more steps than are given. In proportion to both lengths at worst, multiplied.</summary>
    public (bool? Matches, long Steps) Match(ReadOnlySpan<byte> text, long mostSteps)
    {
        var steps = 0L;
        var (unit, at) = (0, 0);
        var (afterAny, restart) = (-1, 0);
        while (at < text.Length)
        {
            if (++steps > mostSteps)
            {
                return (null, steps);
            }

            if (unit < _units.Length && _units[unit] == AnyText)
            {
                afterAny = ++unit;
                restart = at;
            }
            else if (unit < _units.Length && TryTake(text, _units[unit], ref at))
            {
                unit++;
            }
            else if (afterAny >= 0 && TryAdvance(text, _units.AsSpan(afterAny), ref restart, ref steps))
            {
                unit = afterAny;
                at = restart;
            }
            else
            {
                return (false, steps);
            }
        }

        return (_units.AsSpan(unit).IndexOfAnyExcept(AnyText) < 0, steps);
    }

    private static bool TryTake(ReadOnlySpan<byte> text, short unit, ref int at)
    {
        if (unit == AnyCharacter)
        {
            at += CharacterLength(text, at);
            return true;
        }

        if (text[at] != unit)
        {
            return false;
        }

        at++;
        return true;
    }

    // The last "any text" takes one character more, and as many as bring it before the byte that must come next.
    private static bool TryAdvance(ReadOnlySpan<byte> text, ReadOnlySpan<short> rest, ref int restart, ref long steps)
    {
        restart += CharacterLength(text, restart);
        if (rest.IsEmpty || rest[0] < 0)
        {
            return restart <= text.Length;
        }

        var next = text[restart..].IndexOf((byte)rest[0]);
        restart += Math.Max(next, 0);
        steps += (next < 0 ? text.Length - restart : next) / BytesInStep;
        return next >= 0;
    }

    private static int CharacterLength(ReadOnlySpan<byte> text, int at)
    {
        var end = at + 1;
        while (end < text.Length && (text[end] & 0xC0) == 0x80)
        {
            end++;
        }

        return end - at;
    }
}
