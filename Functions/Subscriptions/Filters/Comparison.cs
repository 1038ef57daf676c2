using System.Text;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>A column before or after a value in its type's order, compared in memory.</summary>
/// <param name="operator">One of the four that compare.</param>
/// <param name="token">The value as the column's type writes it in JSON; one that the order knows.</param>
internal sealed class Comparison(string column, ValueOrder order, FilterOperator @operator, byte[] token) : Predicate
{
    private readonly ValueKey _bound = ValueKey.TryRead(order, token, out var bound)
        ? bound
        : throw new FormatException($"A value to compare column '{column}' with is not of order {order}. The stored filter was written by another version, or damaged.");

    // Made when asked for, like the keys: there may be a million of these, and what is kept is what matching reads.
    public override string Text => $"{SqlName.Of(column)}:{order} {@operator.SqlName()} {Encoding.UTF8.GetString(token)}";

    public override IReadOnlyCollection<string> Columns => [column];

    public override IReadOnlyList<IndexKey>? Keys => [KeyOf(column, order, @operator, _bound)];

    public override bool CanJudge(RowImage image) => image.Has(image.Relation.OrdinalOf(column));

    public override Truth Evaluate(RowImage image)
    {
        // Null compares as unknown; so does a token that is none of this type, which no index would find either.
        if (!ValueKey.TryRead(order, image.ValueOf(image.Relation.OrdinalOf(column)), out var value))
        {
            return Truth.Unknown;
        }

        var holds = @operator switch
        {
            FilterOperator.Less => value < _bound,
            FilterOperator.LessOrEqual => value <= _bound,
            FilterOperator.Greater => value > _bound,
            _ => value >= _bound,
        };
        return holds ? Truth.True : Truth.False;
    }

    private static RangeKey KeyOf(string column, ValueOrder order, FilterOperator @operator, ValueKey bound)
    {
        var end = new RangeBound(bound, @operator is FilterOperator.LessOrEqual or FilterOperator.GreaterOrEqual);
        return @operator is FilterOperator.Less or FilterOperator.LessOrEqual
            ? new RangeKey(column, order, null, end)
            : new RangeKey(column, order, end, null);
    }
}
