using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions.Matching;

/// <summary>A group as it stands towards one table under the policies that were last read.</summary>
/// <param name="Policy">What the policies say for the group's role.</param>
/// <param name="Sight">The policies bound to the group's claims; what memory cannot decide of them it says to ask.</param>
/// <param name="Filter">The filter, as it is asked of PostgreSQL.</param>
internal sealed record BoundGroup(SubscriberGroup Group, TablePolicy Policy, Predicate Sight, FilterNode Filter)
{
    /// <summary>The filter, as it is evaluated in memory.</summary>
    public Predicate FilterPredicate { get; } = Filter.Compile();

    /// <summary>What the index knows the group by: it holds wherever filter and policies do.</summary>
    public Predicate Predicate => field ??= Join(FilterPredicate, Sight);

    /// <summary>What the policies say of an image, as far as memory can tell. False where the image lacks what they read.</summary>
    public Truth Sees(RowImage image)
    {
        var truth = Sight.CanJudge(image) ? Sight.Select(image) : Truth.False;
        if (truth != Truth.Ask)
        {
            return truth;
        }

        // Null is not what the row has in a column that the log left out, so nothing may be asked about it either.
        return Policy.Columns.All(column => image.Has(image.Relation.OrdinalOf(column))) ? Truth.Ask : Truth.False;
    }

    private static Predicate Join(Predicate filter, Predicate sight) =>
        sight == Constant.True ? filter
        : sight == Constant.False || filter == Constant.True ? sight
        : new AllOf([filter, sight]);
}
