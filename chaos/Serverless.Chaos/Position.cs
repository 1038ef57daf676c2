using System.Globalization;

namespace Serverless.Chaos;

/// <summary>A place in the log as the protocol writes it, read here without the service's own code.</summary>
internal readonly record struct Position(ulong Commit, int Index) : IComparable<Position>
{
    public static Position Parse(string text)
    {
        var (slash, colon) = (text.IndexOf('/', StringComparison.Ordinal), text.IndexOf(':', StringComparison.Ordinal));
        var high = ulong.Parse(text.AsSpan(0, slash), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var low = ulong.Parse(text.AsSpan(slash + 1, colon - slash - 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return new Position((high << 32) | low, int.Parse(text.AsSpan(colon + 1), CultureInfo.InvariantCulture));
    }

    public static Position Later(Position left, Position right) => left > right ? left : right;

    public static bool operator <(Position left, Position right) => left.CompareTo(right) < 0;

    public static bool operator >(Position left, Position right) => left.CompareTo(right) > 0;

    public static bool operator <=(Position left, Position right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Position left, Position right) => left.CompareTo(right) >= 0;

    public int CompareTo(Position other)
    {
        var byCommit = Commit.CompareTo(other.Commit);
        return byCommit != 0 ? byCommit : Index.CompareTo(other.Index);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Commit >> 32:X}/{(uint)Commit:X}:{Index}");
}
