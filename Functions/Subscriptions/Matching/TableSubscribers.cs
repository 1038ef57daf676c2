using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>The groups that one table's changes may concern: those whose policies are bound, in an index, and those that wait for it.</summary>
/// <remarks>
/// Groups come and go with refreshes, on any thread; binding and matching are done by the one who handles the table's partition, within a <see cref="Hold"/>. What left while it
/// was being bound is not taken in: <see cref="Bind"/> looks again.
/// </remarks>
internal sealed class TableSubscribers
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, SubscriberGroup> _groups = [];
    private readonly HashSet<SubscriberGroup> _unbound = [];
    private readonly Dictionary<long, BoundGroup> _bound = [];
    private readonly PredicateIndex<BoundGroup> _index = new();
    private readonly HashSet<long> _left = [];
    private readonly Dictionary<SubscriberGroup, long> _postponed = [];

    // Groups that were bound until the policies changed, and are to be bound again.
    private readonly HashSet<long> _wereBound = [];
    private int _leaving;
    private int _held;

    /// <summary>Whether any group wants to be told of rows that leave its sight.</summary>
    public bool WantsLeaving => Volatile.Read(ref _leaving) > 0;

    /// <summary>The state of policies that the bound groups were bound under; null before the first.</summary>
    public string? Policies { get; private set; }

    /// <summary>Keeps bound groups that leave until the hold ends.</summary>
    /// <remarks>
    /// A subscription that changes from one group to another is never in neither: the new group is registered before the old one is left. Another partition's refresh may still
    /// bring both between this one's binding and its matching, when the new group is not bound yet; so the old one must still be found.
    /// </remarks>
    public IDisposable Hold()
    {
        lock (_lock)
        {
            _held++;
        }

        return new Held(this);
    }

    public void Add(SubscriberGroup group)
    {
        lock (_lock)
        {
            if (_left.Remove(group.Id))
            {
                // It came back before the hold ended, and is still there.
                return;
            }

            _groups[group.Id] = group;
            _unbound.Add(group);
            _leaving += group.Definition.Leave ? 1 : 0;
        }
    }

    public void Remove(SubscriberGroup group)
    {
        lock (_lock)
        {
            if (_held > 0 && _bound.ContainsKey(group.Id))
            {
                _left.Add(group.Id);
            }
            else
            {
                TakeOut(group.Id);
            }
        }
    }

    /// <summary>The groups to be bound under these policies: all of them where the policies have changed.</summary>
    /// <param name="now">A timestamp: groups that were put off until later are not among them.</param>
    public IReadOnlyList<SubscriberGroup> TakeUnbound(string policies, long now = long.MaxValue)
    {
        lock (_lock)
        {
            if (Policies != policies)
            {
                foreach (var bound in _bound.Values)
                {
                    _index.Remove(bound, bound.Predicate);
                }

                _wereBound.UnionWith(_bound.Keys);
                _bound.Clear();
                _unbound.UnionWith(_groups.Values);
                _postponed.Clear();
                Policies = policies;
            }

            SubscriberGroup[] taken = [.. _unbound.Where(group => !_postponed.TryGetValue(group, out var due) || due <= now)];
            return taken;
        }
    }

    /// <summary>Makes every group wait to be bound again.</summary>
    public void Unbind()
    {
        lock (_lock)
        {
            Policies = null;
        }
    }

    /// <summary>Leaves a group unbound, to be given by <see cref="TakeUnbound"/> again when it is due, or when the policies have changed.</summary>
    public void Postpone(SubscriberGroup group, long due)
    {
        lock (_lock)
        {
            if (_unbound.Contains(group))
            {
                _postponed[group] = due;
            }
        }
    }

    /// <summary>Settles a group that <see cref="TakeUnbound"/> gave.</summary>
    /// <param name="bound">Null where the group receives nothing under these policies.</param>
    /// <returns>Whether it was bound under the policies before these.</returns>
    public bool Bind(SubscriberGroup group, BoundGroup? bound)
    {
        lock (_lock)
        {
            _postponed.Remove(group);
            if (_unbound.Remove(group) && bound is not null)
            {
                _bound.Add(group.Id, bound);
                _index.Add(bound, bound.Predicate);
            }

            return _wereBound.Remove(group.Id);
        }
    }

    /// <summary>Adds the groups whose predicate holds for the image, or may: each once.</summary>
    public void Match(RowImage image, List<(BoundGroup Group, Truth Truth)> into) => _index.Match(image, into);

    /// <summary>All bound groups, in no order: for what an index cannot find.</summary>
    public IReadOnlyList<BoundGroup> All()
    {
        lock (_lock)
        {
            return [.. _bound.Values];
        }
    }

    private void Release()
    {
        lock (_lock)
        {
            if (--_held > 0)
            {
                return;
            }

            foreach (var group in _left)
            {
                TakeOut(group);
            }

            _left.Clear();
        }
    }

    private void TakeOut(long id)
    {
        if (!_groups.Remove(id, out var group))
        {
            return;
        }

        _leaving -= group.Definition.Leave ? 1 : 0;
        _unbound.Remove(group);
        _wereBound.Remove(id);
        _postponed.Remove(group);
        if (_bound.Remove(id, out var bound))
        {
            _index.Remove(bound, bound.Predicate);
        }
    }

    private sealed class Held(TableSubscribers table) : IDisposable
    {
        private TableSubscribers? _table = table;

        public void Dispose() => Interlocked.Exchange(ref _table, null)?.Release();
    }
}
