using System.Buffers.Text;
using System.Globalization;

namespace Serverless.Subscriptions.Filters;

/// <summary>A value of one <see cref="ValueOrder"/>, taken from its JSON token, that compares as PostgreSQL compares it.</summary>
/// <remarks>
/// Keys of different orders must not be compared. Only texts, and numerics of more than <see cref="NumericKey.LeadingDigits"/> digits, take memory of their own.
/// </remarks>
internal readonly struct ValueKey : IComparable<ValueKey>, IEquatable<ValueKey>
{
    private readonly long _number;
    private readonly byte[]? _bytes;

    private ValueKey(long number, byte[]? bytes)
    {
        _number = number;
        _bytes = bytes;
    }

    /// <summary>Reads a token. False for <c>null</c> and for a token that the order does not know.</summary>
    public static bool TryRead(ValueOrder order, ReadOnlySpan<byte> token, out ValueKey key)
    {
        var isText = token is [(byte)'"', .., (byte)'"'] && token.Length > 1;
        var content = isText ? token[1..^1] : token;
        long number = 0;
        byte[]? bytes = null;
        var isRead = order switch
        {
            // oid's tokens are strings.
            ValueOrder.Integer => Utf8Parser.TryParse(content, out number, out var used) && used == content.Length,
            ValueOrder.Numeric => NumericKey.TryRead(content, out number, out bytes),
            ValueOrder.Float => TryReadFloat(content, out number),
            ValueOrder.Boolean => TryReadBoolean(token, out number),
            ValueOrder.Date => isText && TemporalKey.TryReadDate(content, out number),
            ValueOrder.Time => isText && TemporalKey.TryReadTime(content, out number),
            ValueOrder.Timestamp => isText && TemporalKey.TryReadTimestamp(content, out number),
            ValueOrder.Bytes => isText && TryReadBytes(token, out bytes),
            _ => false,
        };
        key = isRead ? new ValueKey(number, bytes) : default;
        return isRead;
    }

    public int CompareTo(ValueKey other)
    {
        if (_number != other._number)
        {
            return _number.CompareTo(other._number);
        }

        // A number below zero that has bytes is a numeric whose further digits lead away from zero.
        var byBytes = _bytes.AsSpan().SequenceCompareTo(other._bytes);
        return _number < 0 ? -byBytes : byBytes;
    }

    public bool Equals(ValueKey other) => CompareTo(other) == 0;

    public override bool Equals(object? obj) => obj is ValueKey other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(_number);
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    public static bool operator ==(ValueKey left, ValueKey right) => left.Equals(right);

    public static bool operator !=(ValueKey left, ValueKey right) => !left.Equals(right);

    public static bool operator <(ValueKey left, ValueKey right) => left.CompareTo(right) < 0;

    public static bool operator <=(ValueKey left, ValueKey right) => left.CompareTo(right) <= 0;

    public static bool operator >(ValueKey left, ValueKey right) => left.CompareTo(right) > 0;

    public static bool operator >=(ValueKey left, ValueKey right) => left.CompareTo(right) >= 0;

    private static bool TryReadFloat(ReadOnlySpan<byte> content, out long number)
    {
        number = 0;
        double value;
        if (content.SequenceEqual("NaN"u8))
        {
            // PostgreSQL holds NaN equal to itself and above all else.
            number = long.MaxValue;
            return true;
        }

        if (content.SequenceEqual("Infinity"u8) || content.SequenceEqual("-Infinity"u8))
        {
            value = content[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
        }
        else if (!double.TryParse(content, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value))
        {
            return false;
        }

        // The bits of a double are ordered like an integer, but for the negative ones, whose order is reversed; the two zeros are one.
        var bits = BitConverter.DoubleToInt64Bits(value == 0 ? 0 : value);
        number = bits ^ ((bits >> 63) & long.MaxValue);
        return true;
    }

    private static bool TryReadBoolean(ReadOnlySpan<byte> token, out long number)
    {
        number = token.SequenceEqual("true"u8) ? 1 : 0;
        return number == 1 || token.SequenceEqual("false"u8);
    }

    private static bool TryReadBytes(ReadOnlySpan<byte> token, out byte[]? bytes)
    {
        using var text = new TokenText(token);
        bytes = text.Utf8.ToArray();
        return true;
    }
}
