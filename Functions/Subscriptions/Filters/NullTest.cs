using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>SQL's <c>is [not] null</c>. Never unknown. Not for composite types, whose rows of nulls are null to SQL.</summary>
internal sealed class NullTest(string column, bool isNegated) : Predicate
{
    public override string Text => $"{SqlName.Of(column)} {(isNegated ? "is not null" : "is null")}";

    public override IReadOnlyCollection<string> Columns { get; } = [column];

    public override IReadOnlyList<IndexKey>? Keys => null;

    public override Truth Evaluate(RowImage image) =>
        image.ValueOf(image.Relation.OrdinalOf(column)).SequenceEqual("null"u8) == isNegated ? Truth.False : Truth.True;
}
