using Serverless.Changes;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions.Matching;

/// <summary>All live groups of this instance, found by table and by the values their filters ask for.</summary>
/// <remarks>Its cost follows the groups that match, not those there are. Safe for matching by several threads while one applies changes.</remarks>
internal sealed class SubscriptionIndex : IDisposable
{
    private readonly ReaderWriterLockSlim _lock = new();
    private readonly Dictionary<long, long> _groupOfSubscription = [];
    private readonly Dictionary<long, SubscriberGroup> _groups = [];
    private readonly Dictionary<(string Schema, string Table), TableGroups> _tables = [];

    public int GroupCount => _groups.Count;

    public int SubscriptionCount => _groupOfSubscription.Count;

    /// <summary>Adds what the rows say is live and takes out what they say has left. The same row may come again.</summary>
    public void Apply(IReadOnlyList<RegistryRow> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        _lock.EnterWriteLock();
        try
        {
            foreach (var row in rows)
            {
                if (row.HasLeft)
                {
                    Remove(row.Id);
                }
                else if (_groupOfSubscription.TryAdd(row.Id, row.GroupId))
                {
                    Add(row);
                }
            }
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    public void Clear()
    {
        _lock.EnterWriteLock();
        try
        {
            _groupOfSubscription.Clear();
            _groups.Clear();
            _tables.Clear();
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>Adds to <paramref name="matched"/> every group that wants this change, each once.</summary>
    public void Match(RowChange change, List<SubscriberGroup> matched)
    {
        _lock.EnterReadLock();
        try
        {
            MatchTable(change.Relation.Schema, change.Relation.Name, change, matched);
            MatchTable(change.Relation.Schema, GroupDefinition.AnyTable, change, matched);
            MatchTable(GroupDefinition.AnyTable, GroupDefinition.AnyTable, change, matched);
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    public void Dispose() => _lock.Dispose();

    private void MatchTable(string schema, string table, RowChange change, List<SubscriberGroup> matched)
    {
        if (_tables.TryGetValue((schema, table), out var groups))
        {
            groups.Match(change, matched);
        }
    }

    private void Add(RegistryRow row)
    {
        if (!_groups.TryGetValue(row.GroupId, out var group))
        {
            group = new SubscriberGroup(row.GroupId, GroupDefinition.FromJson(row.Definition));
            _groups.Add(group.Id, group);
            var key = (group.Definition.Schema, group.Definition.Table);
            if (!_tables.TryGetValue(key, out var table))
            {
                _tables.Add(key, table = new TableGroups());
            }

            table.Add(group);
        }

        group.Members++;
    }

    private void Remove(long subscription)
    {
        if (!_groupOfSubscription.Remove(subscription, out var id))
        {
            return;
        }

        var group = _groups[id];
        if (--group.Members > 0)
        {
            return;
        }

        _groups.Remove(id);
        var key = (group.Definition.Schema, group.Definition.Table);
        var table = _tables[key];
        table.Remove(group);
        if (table.IsEmpty)
        {
            _tables.Remove(key);
        }
    }
}
