using System.Text;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>SQL's <c>is [not] distinct from</c> a value, compared in memory: null is a value like others here. Never unknown.</summary>
/// <param name="token">Normalized by the rule.</param>
/// <param name="isNegated">Whether the column must <em>not</em> be distinct from the value.</param>
internal sealed class Distinct(string column, EqualityRule rule, byte[] token, bool isNegated) : Predicate
{
    public override string Text => $"{SqlName.Of(column)}:{rule} {(isNegated ? "same" : "distinct")} {Encoding.UTF8.GetString(token)}";

    public override IReadOnlyCollection<string> Columns { get; } = [column];

    public override IReadOnlyList<IndexKey>? Keys => isNegated ? [new EqualKey(column, rule, token)] : null;

    public override Truth Evaluate(RowImage image)
    {
        var value = image.ValueOf(image.Relation.OrdinalOf(column));
        var isSame = !value.SequenceEqual("null"u8) && rule.Normalize(value).SequenceEqual(token);
        return isSame == isNegated ? Truth.True : Truth.False;
    }
}
