using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>The groups of one table: those without a filter, and the others by the value of one column each.</summary>
internal sealed class TableGroups
{
    private readonly HashSet<SubscriberGroup> _unfiltered = [];
    private readonly Dictionary<(string Column, EqualityRule Rule), Dictionary<byte[], List<SubscriberGroup>>> _byValue = [];

    public bool IsEmpty => _unfiltered.Count == 0 && _byValue.Count == 0;

    public void Add(SubscriberGroup group)
    {
        if (KeyOf(group) is not { } key)
        {
            _unfiltered.Add(group);
            return;
        }

        if (!_byValue.TryGetValue((key.Column, key.Rule), out var values))
        {
            _byValue.Add((key.Column, key.Rule), values = new Dictionary<byte[], List<SubscriberGroup>>(TokenComparer.Instance));
        }

        if (!values.TryGetValue(key.Token, out var groups))
        {
            values.Add(key.Token, groups = []);
        }

        groups.Add(group);
    }

    public void Remove(SubscriberGroup group)
    {
        if (KeyOf(group) is not { } key)
        {
            _unfiltered.Remove(group);
            return;
        }

        var values = _byValue[(key.Column, key.Rule)];
        var groups = values[key.Token];
        groups.Remove(group);
        if (groups.Count == 0)
        {
            values.Remove(key.Token);
        }

        if (values.Count == 0)
        {
            _byValue.Remove((key.Column, key.Rule));
        }
    }

    public void Match(RowChange change, List<SubscriberGroup> matched)
    {
        foreach (var group in _unfiltered)
        {
            if (group.Definition.Event.Wants(change.Kind))
            {
                matched.Add(group);
            }
        }

        // Supabase's rule: an update is judged by the row it leaves, a delete by the row it removes.
        var image = change.Kind == ChangeKind.Delete ? change.Old : change.New;
        if (image is null)
        {
            return;
        }

        foreach (var ((column, rule), values) in _byValue)
        {
            MatchColumn(change, image, column, rule, values, matched);
        }
    }

    private static void MatchColumn(
        RowChange change,
        RowImage image,
        string column,
        EqualityRule rule,
        Dictionary<byte[], List<SubscriberGroup>> values,
        List<SubscriberGroup> matched)
    {
        var ordinal = image.Relation.OrdinalOf(column);
        if (!image.Has(ordinal))
        {
            return;
        }

        var token = rule.Normalize(image.ValueOf(ordinal));
        if (!values.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(token, out var groups))
        {
            return;
        }

        foreach (var group in groups)
        {
            if (group.Definition.Event.Wants(change.Kind) && group.Definition.Conditions.All(condition => condition.Matches(image)))
            {
                matched.Add(group);
            }
        }
    }

    private static EqualCondition? KeyOf(SubscriberGroup group) => group.Definition.Conditions.Count == 0 ? null : group.Definition.Conditions[0];
}
