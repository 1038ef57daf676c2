using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>What only PostgreSQL could tell, of a column.</summary>
internal sealed class AskedPredicate(string column, int number) : Predicate
{
    public override string Text => $"ask {column} {number}";

    public override IReadOnlyCollection<string> Columns { get; } = [column];

    public override IReadOnlyList<IndexKey>? Keys => null;

    public override Truth Evaluate(RowImage image) => Truth.Ask;
}
