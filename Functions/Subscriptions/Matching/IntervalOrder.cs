using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>How bounds of intervals lie to each other and to values. No low bound is below every value, no high bound above.</summary>
internal static class IntervalOrder
{
    /// <summary>A high bound below all others, recognized by reference: it stands for no interval at all.</summary>
    public static RangeBound Lowest { get; } = new(default, IsInclusive: false);

    /// <summary>By low bound, then by high bound; 0 only for intervals that hold the same values for the same reason.</summary>
    public static int Compare(RangeKey x, RangeKey y)
    {
        var low = CompareLow(x.Low, y.Low);
        return low != 0 ? low : CompareHigh(x.High, y.High);
    }

    public static int CompareHigh(RangeBound? x, RangeBound? y)
    {
        if (ReferenceEquals(x, y))
        {
            return 0;
        }

        if (x is null || ReferenceEquals(y, Lowest))
        {
            return 1;
        }

        if (y is null || ReferenceEquals(x, Lowest))
        {
            return -1;
        }

        var value = x.Value.CompareTo(y.Value);
        return value != 0 ? value : x.IsInclusive.CompareTo(y.IsInclusive);
    }

    /// <summary>Whether the value does not lie under a low bound. False for one bound is false for all greater ones.</summary>
    public static bool IsAbove(in ValueKey value, RangeBound? low)
    {
        if (low is null)
        {
            return true;
        }

        var side = value.CompareTo(low.Value);
        return side > 0 || (side == 0 && low.IsInclusive);
    }

    /// <summary>Whether the value does not lie over a high bound. False for one bound is false for all lesser ones.</summary>
    public static bool IsBelow(in ValueKey value, RangeBound? high)
    {
        if (high is null)
        {
            return true;
        }

        var side = value.CompareTo(high.Value);
        return side < 0 || (side == 0 && high.IsInclusive);
    }

    private static int CompareLow(RangeBound? x, RangeBound? y)
    {
        if (x is null || y is null)
        {
            return (x is null ? 0 : 1) - (y is null ? 0 : 1);
        }

        var value = x.Value.CompareTo(y.Value);
        return value != 0 ? value : y.IsInclusive.CompareTo(x.IsInclusive);
    }
}
