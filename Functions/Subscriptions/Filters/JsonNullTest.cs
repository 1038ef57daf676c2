using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>SQL's <c>is [not] null</c> on <c>json</c> and <c>jsonb</c>, whose images have null for SQL's null and for JSON's: unknown then, as both may be.</summary>
internal sealed class JsonNullTest(string column, bool isNegated) : Predicate
{
    public override string Text => $"{SqlName.Of(column)} of json {(isNegated ? "is not null" : "is null")}";

    public override IReadOnlyCollection<string> Columns { get; } = [column];

    public override IReadOnlyList<IndexKey>? Keys => isNegated ? null : [];

    public override Truth Evaluate(RowImage image) =>
        image.ValueOf(image.Relation.OrdinalOf(column)).SequenceEqual("null"u8) ? Truth.Unknown : isNegated ? Truth.True : Truth.False;
}
