namespace Serverless.Subscriptions.Filters;

/// <summary>A value of one <see cref="ValueOrder"/>, taken from its JSON token, that compares as PostgreSQL compares it.</summary>
/// <remarks>Keys of different orders must not be compared.</remarks>
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
        key = default;
        if (order == ValueOrder.Integer && System.Buffers.Text.Utf8Parser.TryParse(token, out long number, out var used) && used == token.Length)
        {
            key = new ValueKey(number, null);
            return true;
        }

        return false;
    }

    public int CompareTo(ValueKey other) => _number != other._number ? _number.CompareTo(other._number) : _bytes.AsSpan().SequenceCompareTo(other._bytes);

    public bool Equals(ValueKey other) => CompareTo(other) == 0;

    public override bool Equals(object? obj) => obj is ValueKey other && Equals(other);

    public override int GetHashCode() => _bytes is null ? _number.GetHashCode() : HashCode.Combine(_number, _bytes.Length);
}
