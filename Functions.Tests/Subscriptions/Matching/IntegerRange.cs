using System.Globalization;
using System.Text;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>A range of an integer column, compared the plain way, with the key that an index is to find it by.</summary>
internal sealed class IntegerRange(string column, (long Value, bool IsInclusive)? low, (long Value, bool IsInclusive)? high) : Predicate
{
    private readonly RangeKey _key = new(column, ValueOrder.Integer, BoundOf(low), BoundOf(high));

    public override string Text => string.Create(CultureInfo.InvariantCulture, $"{column} in {low}..{high}");

    public override IReadOnlyCollection<string> Columns => [column];

    public override IReadOnlyList<IndexKey>? Keys => [_key];

    public override Truth Evaluate(RowImage image)
    {
        if (!ValueKey.TryRead(ValueOrder.Integer, image.ValueOf(image.Relation.OrdinalOf(column)), out var value))
        {
            return Truth.Unknown;
        }

        return Fits(_key.Low, value.CompareTo) && Fits(_key.High, other => -value.CompareTo(other)) ? Truth.True : Truth.False;
    }

    private static bool Fits(RangeBound? bound, Func<ValueKey, int> beyond) =>
        bound is null || beyond(bound.Value) > 0 || (bound.IsInclusive && beyond(bound.Value) == 0);

    private static RangeBound? BoundOf((long Value, bool IsInclusive)? bound) =>
        bound is var (value, isInclusive) && ValueKey.TryRead(ValueOrder.Integer, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)), out var key)
            ? new RangeBound(key, isInclusive)
            : null;
}
