using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Policies;

/// <summary>The part of a policy that only PostgreSQL can evaluate, and only for the claims at hand.</summary>
/// <remarks>It has the same text whatever the claims: subscriptions with different claims must be judged apart, however alike their predicates.</remarks>
internal sealed class OpaquePredicate : Predicate
{
    public static OpaquePredicate Instance { get; } = new();

    public override string Text => "policy";

    public override IReadOnlyCollection<string> Columns => [];

    public override IReadOnlyList<IndexKey>? Keys => null;

    public override Truth Evaluate(RowImage image) => Truth.Ask;
}
