using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions.Matching;

/// <summary>A group as it stands towards one table under the policies that were last read.</summary>
/// <param name="Policy">What the policies say for the group's role.</param>
/// <param name="Sight">The policies bound to the group's claims; null where PostgreSQL has to be asked for each row.</param>
/// <param name="Predicate">The filter together with <paramref name="Sight"/>: what the index knows the group by.</param>
/// <param name="Filter">The filter alone, for asking it of PostgreSQL.</param>
internal sealed record BoundGroup(SubscriberGroup Group, TablePolicy Policy, Predicate? Sight, Predicate Predicate, FilterNode Filter)
{
    public bool MustBeJudged => Sight is null;
}
