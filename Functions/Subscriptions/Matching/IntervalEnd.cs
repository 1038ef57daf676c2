using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>Where an interval begins or ends: at a value, just before or after it, or beyond all values.</summary>
internal readonly struct IntervalEnd : IComparable<IntervalEnd>
{
    // Beyond all values by ±2; otherwise which side of the value: -1 before it, 0 on neither, 1 after it.
    private readonly int _side;
    private readonly ValueKey _value;

    private IntervalEnd(ValueKey value, int side)
    {
        _value = value;
        _side = side;
    }

    private static IntervalEnd Lowest { get; } = new(default, -2);

    private static IntervalEnd Highest { get; } = new(default, 2);

    /// <summary>An inclusive low bound begins just before its value, an exclusive one just after it.</summary>
    public static IntervalEnd Low(RangeBound? bound) => bound is null ? Lowest : new(bound.Value, bound.IsInclusive ? -1 : 1);

    /// <summary>An inclusive high bound ends just after its value, an exclusive one just before it.</summary>
    public static IntervalEnd High(RangeBound? bound) => bound is null ? Highest : new(bound.Value, bound.IsInclusive ? 1 : -1);

    /// <summary>A value to be found lies between the ends before it and those after it.</summary>
    public static IntervalEnd At(ValueKey value) => new(value, 0);

    public int CompareTo(IntervalEnd other)
    {
        if (_side is 2 or -2 || other._side is 2 or -2)
        {
            return (_side / 2).CompareTo(other._side / 2);
        }

        var value = _value.CompareTo(other._value);
        return value != 0 ? value : _side.CompareTo(other._side);
    }
}
