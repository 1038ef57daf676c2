using Serverless.Changes;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Sorts a batch's changes by the groups that are to receive them.</summary>
internal sealed class ChangeMatcher(SubscriptionIndex index)
{
    /// <param name="access">Who may read the tables now. A table that is not in it is read by nobody.</param>
    public IReadOnlyList<GroupChanges> Match(IReadOnlyList<RowChange> changes, IReadOnlyDictionary<uint, TableAccess> access)
    {
        var byGroup = new Dictionary<(long Group, Relation Relation), GroupChanges>();
        var order = new List<GroupChanges>();
        var matched = new List<SubscriberGroup>();
        foreach (var change in changes)
        {
            if (!access.TryGetValue(change.Relation.Oid, out var readers) || readers.HasRowLevelSecurity)
            {
                continue;
            }

            matched.Clear();
            index.Match(change, matched);
            foreach (var group in matched)
            {
                if (readers.Roles.Contains(group.Definition.Role))
                {
                    Add(byGroup, order, group, change);
                }
            }
        }

        return order;
    }

    private static void Add(
        Dictionary<(long Group, Relation Relation), GroupChanges> byGroup, List<GroupChanges> order, SubscriberGroup group, RowChange change)
    {
        // A table that was altered in mid-batch has two descriptions; each gets messages of its own.
        if (!byGroup.TryGetValue((group.Id, change.Relation), out var changes))
        {
            byGroup.Add((group.Id, change.Relation), changes = new GroupChanges(group, change.Relation, []));
            order.Add(changes);
        }

        changes.Changes.Add(change);
    }
}
