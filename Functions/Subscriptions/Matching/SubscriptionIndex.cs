using Serverless.Changes;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions.Matching;

/// <summary>All live groups of this instance, by the table they are about, and the subscriptions that keep them alive.</summary>
internal sealed class SubscriptionIndex
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, (SubscriberGroup Group, DateTime ExpiresAt)> _subscriptions = [];
    private readonly Dictionary<long, SubscriberGroup> _groups = [];
    private readonly Dictionary<(string Schema, string Table), TableSubscribers> _tables = [];
    private readonly Dictionary<(string Schema, string Table), HashSet<SubscriberGroup>> _groupsOf = [];
    private readonly PriorityQueue<long, DateTime> _expiries = new();

    /// <summary>Adds what the rows say is live and takes out what they say has left. The same row may come again.</summary>
    public void Apply(IReadOnlyList<RegistryRow> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            foreach (var row in rows)
            {
                if (row.HasLeft)
                {
                    Remove(row.Id);
                }
                else
                {
                    Set(row);
                }
            }
        }
    }

    /// <summary>Makes the rows all that is live. What was live before and still is stays matched throughout.</summary>
    public void Replace(IReadOnlyList<RegistryRow> rows)
    {
        lock (_lock)
        {
            var live = rows.Select(row => row.Id).ToHashSet();
            foreach (var gone in _subscriptions.Keys.Where(id => !live.Contains(id)).ToList())
            {
                Remove(gone);
            }

            foreach (var row in rows)
            {
                Set(row);
            }
        }
    }

    /// <summary>Takes out the subscriptions whose tokens have ended, and returns them.</summary>
    public IReadOnlyList<long> TakeExpired(DateTime now)
    {
        lock (_lock)
        {
            List<long>? expired = null;
            while (_expiries.TryPeek(out var subscription, out var end) && end <= now)
            {
                _expiries.Dequeue();
                if (Remove(subscription))
                {
                    (expired ??= []).Add(subscription);
                }
            }

            return expired ?? [];
        }
    }

    /// <summary>The subscribers of one table, those without a table of their own among them.</summary>
    public TableSubscribers Of(Relation relation)
    {
        lock (_lock)
        {
            var key = (relation.Schema, relation.Name);
            if (_tables.TryGetValue(key, out var known))
            {
                return known;
            }

            var table = new TableSubscribers();
            foreach (var target in new[] { key, (relation.Schema, GroupDefinition.Any), (GroupDefinition.Any, GroupDefinition.Any) })
            {
                foreach (var group in _groupsOf.GetValueOrDefault(target) ?? [])
                {
                    table.Add(group);
                }
            }

            return _tables[key] = table;
        }
    }

    /// <summary>The subscribers of one table, of whom none that are bound go before the hold ends.</summary>
    /// <remarks>Under the lock, so that no refresh is half-way through its rows when the hold begins.</remarks>
    public IDisposable Hold(Relation relation, out TableSubscribers table)
    {
        lock (_lock)
        {
            table = Of(relation);
            return table.Hold();
        }
    }

    /// <summary>The live subscriptions of a group.</summary>
    public IReadOnlyList<long> SubscriptionsOf(SubscriberGroup group)
    {
        lock (_lock)
        {
            return [.. _subscriptions.Where(pair => pair.Value.Group == group).Select(pair => pair.Key)];
        }
    }

    private void Set(RegistryRow row)
    {
        if (_subscriptions.TryGetValue(row.Id, out var before))
        {
            if (before.Group.Id == row.GroupId)
            {
                return;
            }

            // Its group was split.
            Remove(row.Id);
        }

        if (!_groups.TryGetValue(row.GroupId, out var group))
        {
            group = new SubscriberGroup(row.GroupId, row.Number, GroupDefinition.FromJson(row.Definition), row.Claims);
            _groups.Add(group.Id, group);
            AddToTables(group);
        }

        group.Members++;
        _subscriptions.Add(row.Id, (group, row.ExpiresAt));
        _expiries.Enqueue(row.Id, row.ExpiresAt);
        ForgetOldExpiries();
    }

    private bool Remove(long subscription)
    {
        if (!_subscriptions.Remove(subscription, out var removed))
        {
            return false;
        }

        var group = removed.Group;
        if (--group.Members == 0)
        {
            _groups.Remove(group.Id);
            RemoveFromTables(group);
        }

        return true;
    }

    // Those who leave stay in the queue until their time, which for an API key may be years.
    private void ForgetOldExpiries()
    {
        if (_expiries.Count > 1024 && _expiries.Count > 2 * _subscriptions.Count)
        {
            _expiries.Clear();
            _expiries.EnqueueRange(_subscriptions.Select(pair => (pair.Key, pair.Value.ExpiresAt)));
        }
    }

    private void AddToTables(SubscriberGroup group)
    {
        var target = (group.Definition.Schema, group.Definition.Table);
        if (!_groupsOf.TryGetValue(target, out var groups))
        {
            _groupsOf.Add(target, groups = []);
        }

        groups.Add(group);
        foreach (var table in TablesOf(target))
        {
            table.Add(group);
        }
    }

    private void RemoveFromTables(SubscriberGroup group)
    {
        var target = (group.Definition.Schema, group.Definition.Table);
        var groups = _groupsOf[target];
        groups.Remove(group);
        if (groups.Count == 0)
        {
            _groupsOf.Remove(target);
        }

        foreach (var table in TablesOf(target))
        {
            table.Remove(group);
        }
    }

    private IEnumerable<TableSubscribers> TablesOf((string Schema, string Table) target)
    {
        if (target.Table != GroupDefinition.Any)
        {
            return _tables.TryGetValue(target, out var table) ? [table] : [];
        }

        return _tables.Where(pair => target.Schema == GroupDefinition.Any || pair.Key.Schema == target.Schema).Select(pair => pair.Value);
    }
}
