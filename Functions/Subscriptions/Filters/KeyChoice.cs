namespace Serverless.Subscriptions.Filters;

/// <summary>Chooses by which keys an index finds a predicate whose parts must all hold.</summary>
internal static class KeyChoice
{
    /// <summary>The keys that fit the fewest rows; null where no part has any.</summary>
    /// <param name="parts">The keys of each part, null for a part without.</param>
    public static IReadOnlyList<IndexKey>? BestOf(IEnumerable<IReadOnlyList<IndexKey>?> parts)
    {
        var candidates = new List<IReadOnlyList<IndexKey>>();
        var ranges = new List<RangeKey>();
        foreach (var keys in parts)
        {
            if (keys is [RangeKey range])
            {
                Narrow(ranges, range);
            }
            else if (keys is not null)
            {
                candidates.Add(keys);
            }
        }

        candidates.AddRange(ranges.Select(KeysOf));
        return candidates.MinBy(keys => keys.Sum(Cost));
    }

    // Conditions on one column meet in one range: "from" and "to" are worth more together than either alone.
    private static void Narrow(List<RangeKey> ranges, RangeKey range)
    {
        var same = ranges.FindIndex(other => other.Column == range.Column && other.Order == range.Order);
        if (same < 0)
        {
            ranges.Add(range);
            return;
        }

        var other = ranges[same];
        ranges[same] = range with { Low = Stricter(other.Low, range.Low, sign: 1), High = Stricter(other.High, range.High, sign: -1) };
    }

    private static RangeBound? Stricter(RangeBound? left, RangeBound? right, int sign)
    {
        if (left is null || right is null)
        {
            return left ?? right;
        }

        var compared = left.Value.CompareTo(right.Value) * sign;
        return compared == 0 ? left with { IsInclusive = left.IsInclusive && right.IsInclusive } : compared > 0 ? left : right;
    }

    private static IReadOnlyList<IndexKey> KeysOf(RangeKey range) => IsEmpty(range) ? [] : [range];

    private static bool IsEmpty(RangeKey range) =>
        range is { Low: { } low, High: { } high }
        && (low.Value.CompareTo(high.Value) is > 0 || (low.Value.CompareTo(high.Value) == 0 && !(low.IsInclusive && high.IsInclusive)));

    private static int Cost(IndexKey key) => key switch
    {
        EqualKey => 1,
        RangeKey { Low: not null, High: not null } => 500,
        _ => 1000,
    };
}
