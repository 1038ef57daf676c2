using System.Globalization;
using System.Text;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Bench;

/// <summary>Both bounds inclusive.</summary>
internal sealed class BenchRange(string column, long low, long? high) : Predicate
{
    private readonly RangeBound _low = Bound(low);
    private readonly RangeBound? _high = high is { } value ? Bound(value) : null;

    public override string Text => string.Create(CultureInfo.InvariantCulture, $"{column} in {low}..{high}");

    public override IReadOnlyCollection<string> Columns { get; } = [column];

    public override IReadOnlyList<IndexKey>? Keys => [new RangeKey(column, ValueOrder.Integer, _low, _high)];

    public override Truth Evaluate(RowImage image) =>
        !ValueKey.TryRead(ValueOrder.Integer, image.ValueOf(image.Relation.OrdinalOf(column)), out var key) ? Truth.Unknown
        : key.CompareTo(_low.Value) >= 0 && (_high is null || key.CompareTo(_high.Value) <= 0) ? Truth.True
        : Truth.False;

    private static RangeBound Bound(long value)
    {
        ValueKey.TryRead(ValueOrder.Integer, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)), out var key);
        return new RangeBound(key, IsInclusive: true);
    }
}
