using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>Entries of one table, each with a predicate, found by the row images that the predicate selects.</summary>
/// <remarks>
/// Equalities are found by hash, ranges in a tree, and predicates that no key finds are evaluated once for each distinct one, however many entries have it.
/// Any number of threads may match, and none of them waits for another or for one that adds or removes: those wait only for each other. An entry
/// that is there from before a match begins until after it ends is found; one that comes or goes meanwhile may be.
/// </remarks>
/// <typeparam name="T">Compared by reference. Not <c>object</c>: see <see cref="CompactSet{T}"/>.</typeparam>
internal sealed class PredicateIndex<T>
    where T : class
{
    private readonly Lock _writing = new();
    private readonly HashSet<PredicateNode<T>> _nodes = new(PredicateNode<T>.ByPredicate.Instance);

    // Replaced as a whole when a column comes or goes, which is rare.
    private volatile EqualTable<T>[] _equal = [];
    private volatile RangeTable<T>[] _ranges = [];
    private CompactSet<PredicateNode<T>> _unkeyed;
    private int _count;

    /// <summary>How many pairs of an entry and a predicate are there.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Adds an entry, unless it is there with this predicate. With several predicates it is several entries.</summary>
    public void Add(T entry, Predicate predicate)
    {
        lock (_writing)
        {
            var added = new PredicateNode<T>(predicate);
            if (!_nodes.TryGetValue(added, out var node))
            {
                added.PlaceBy(Placement.For(predicate, Load));
                added.Add(entry);
                Link(added);
                _nodes.Add(added);
            }
            else if (node.Contains(entry))
            {
                return;
            }
            else
            {
                node.Add(entry);
            }

            _count++;
        }
    }

    /// <summary>Takes the entry out; nothing happens where it is not there with this predicate.</summary>
    public void Remove(T entry, Predicate predicate)
    {
        lock (_writing)
        {
            if (!_nodes.TryGetValue(new PredicateNode<T>(predicate), out var node) || !node.Contains(entry))
            {
                return;
            }

            node.Remove(entry);
            _count--;
            if (node.IsEmpty)
            {
                _nodes.Remove(node);
                Unlink(node);
            }
        }
    }

    /// <summary>Adds each entry once whose predicate is true of the image, or can only be decided by PostgreSQL.</summary>
    /// <remarks>A predicate that reads a column which the image lacks selects nothing.</remarks>
    public void Match(RowImage image, List<(T Entry, Truth Truth)> into)
    {
        var match = new PredicateMatch<T>(image, into);
        foreach (var table in _equal)
        {
            match.Judge(table.Find(image));
        }

        foreach (var table in _ranges)
        {
            match.Judge(table);
        }

        match.Judge(_unkeyed);
    }

    private int Load(EqualKey key) => EqualTableOf(key)?[key.Token].Count ?? 0;

    private void Link(PredicateNode<T> node)
    {
        if (node.KeyPart is null)
        {
            _unkeyed = _unkeyed.With(node);
            return;
        }

        foreach (var key in node.KeyPart.Keys!)
        {
            switch (key)
            {
                case EqualKey equal:
                    var values = EqualTableOf(equal) ?? AddTable(new EqualTable<T>(equal.Column, equal.Rule));
                    values[equal.Token] = values[equal.Token].With(node);
                    break;
                case RangeKey range:
                    (RangeTableOf(range) ?? AddTable(new RangeTable<T>(range.Column, range.Order))).Add(range, node);
                    break;
                default:
                    throw new NotSupportedException($"The index knows equal keys and range keys, and this is a {key.GetType().Name}.");
            }
        }
    }

    private void Unlink(PredicateNode<T> node)
    {
        if (node.KeyPart is null)
        {
            _unkeyed = _unkeyed.Without(node);
            return;
        }

        foreach (var key in node.KeyPart.Keys!)
        {
            // The same key twice is linked once, so the second time its table may be gone.
            if (key is EqualKey equal && EqualTableOf(equal) is { } values)
            {
                values[equal.Token] = values[equal.Token].Without(node);
                _equal = values.IsEmpty ? Array.FindAll(_equal, table => table != values) : _equal;
            }
            else if (key is RangeKey range && RangeTableOf(range) is { } ranges)
            {
                ranges.Remove(range, node);
                _ranges = ranges.IsEmpty ? Array.FindAll(_ranges, table => table != ranges) : _ranges;
            }
        }
    }

    private EqualTable<T>? EqualTableOf(EqualKey key) => Array.Find(_equal, table => table.Column == key.Column && table.Rule == key.Rule);

    private RangeTable<T>? RangeTableOf(RangeKey key) => Array.Find(_ranges, table => table.Column == key.Column && table.Order == key.Order);

    private EqualTable<T> AddTable(EqualTable<T> table)
    {
        _equal = [.. _equal, table];
        return table;
    }

    private RangeTable<T> AddTable(RangeTable<T> table)
    {
        _ranges = [.. _ranges, table];
        return table;
    }
}
