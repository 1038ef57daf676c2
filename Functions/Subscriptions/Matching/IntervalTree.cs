using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>Intervals of one order, found by a value that lies in them: a treap by where they begin, each node knowing the farthest end below it.</summary>
/// <remarks>
/// Immutable: a change copies the path to the root, some 2 log n nodes, so readers keep a tree that is whole and never wait. Items of the same interval share a
/// node. A look-up visits at most log n nodes for each interval that it finds.
/// </remarks>
internal sealed class IntervalTree<T>
    where T : class
{
    private readonly IntervalEnd _low;
    private readonly IntervalEnd _high;
    private readonly IntervalEnd _farthest;
    private readonly CompactSet<T> _items;
    private readonly uint _priority;
    private readonly IntervalTree<T>? _left;
    private readonly IntervalTree<T>? _right;

    private IntervalTree(IntervalEnd low, IntervalEnd high, CompactSet<T> items, uint priority, IntervalTree<T>? left, IntervalTree<T>? right)
    {
        _low = low;
        _high = high;
        _items = items;
        _priority = priority;
        _left = left;
        _right = right;
        _farthest = Farther(high, Farther(left?._farthest ?? high, right?._farthest ?? high));
    }

    /// <param name="priority">Random, and not for the caller of the index to choose: it keeps the tree balanced.</param>
    public static IntervalTree<T> Add(IntervalTree<T>? tree, RangeKey interval, T item, uint priority) =>
        Add(tree, IntervalEnd.Low(interval.Low), IntervalEnd.High(interval.High), item, priority);

    public static IntervalTree<T>? Remove(IntervalTree<T>? tree, RangeKey interval, T item) =>
        Remove(tree, IntervalEnd.Low(interval.Low), IntervalEnd.High(interval.High), item);

    /// <summary>Adds to <paramref name="found"/> the items of every interval that the value lies in.</summary>
    public static void Find(IntervalTree<T>? tree, in IntervalEnd value, List<T> found)
    {
        while (tree is not null && value.CompareTo(tree._farthest) < 0)
        {
            Find(tree._left, value, found);
            if (value.CompareTo(tree._low) < 0)
            {
                return;
            }

            if (value.CompareTo(tree._high) < 0)
            {
                tree.AddItems(found);
            }

            tree = tree._right;
        }
    }

    private static IntervalTree<T> Add(IntervalTree<T>? tree, in IntervalEnd low, in IntervalEnd high, T item, uint priority)
    {
        if (tree is null)
        {
            return new IntervalTree<T>(low, high, default(CompactSet<T>).With(item), priority, null, null);
        }

        return tree.SideOf(low, high) switch
        {
            0 => tree.With(tree._items.With(item)),
            < 0 => tree.RaiseLeft(Add(tree._left, low, high, item, priority)),
            _ => tree.RaiseRight(Add(tree._right, low, high, item, priority)),
        };
    }

    private static IntervalTree<T>? Remove(IntervalTree<T>? tree, in IntervalEnd low, in IntervalEnd high, T item)
    {
        if (tree is null)
        {
            return null;
        }

        switch (tree.SideOf(low, high))
        {
            case < 0:
                return tree.With(Remove(tree._left, low, high, item), tree._right);
            case > 0:
                return tree.With(tree._left, Remove(tree._right, low, high, item));
        }

        var items = tree._items.Without(item);
        return items.IsEmpty ? Join(tree._left, tree._right) : tree.With(items);
    }

    private static IntervalTree<T>? Join(IntervalTree<T>? left, IntervalTree<T>? right) => (left, right) switch
    {
        (null, _) => right,
        (_, null) => left,
        _ when left._priority > right._priority => left.With(left._left, Join(left._right, right)),
        _ => right.With(Join(left, right._left), right._right),
    };

    private static IntervalEnd Farther(in IntervalEnd x, in IntervalEnd y) => x.CompareTo(y) >= 0 ? x : y;

    private int SideOf(in IntervalEnd low, in IntervalEnd high)
    {
        var side = low.CompareTo(_low);
        return side != 0 ? side : high.CompareTo(_high);
    }

    private void AddItems(List<T> found)
    {
        if (_items.Single is { } single)
        {
            found.Add(single);
        }
        else
        {
            found.AddRange(_items.All());
        }
    }

    private IntervalTree<T> RaiseLeft(IntervalTree<T> left) =>
        left._priority > _priority ? left.With(left._left, With(left._right, _right)) : With(left, _right);

    private IntervalTree<T> RaiseRight(IntervalTree<T> right) =>
        right._priority > _priority ? right.With(With(_left, right._left), right._right) : With(_left, right);

    private IntervalTree<T> With(CompactSet<T> items) => new(_low, _high, items, _priority, _left, _right);

    private IntervalTree<T> With(IntervalTree<T>? left, IntervalTree<T>? right) => new(_low, _high, _items, _priority, left, right);
}
