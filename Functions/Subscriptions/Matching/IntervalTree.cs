using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>Intervals of one order, found by a value that lies in them: a treap by low bound, each node knowing the highest bound below it.</summary>
/// <remarks>
/// Immutable: a change copies the path to the root, some 2 log n nodes, so readers keep a tree that is whole and never wait. Items of the same interval share a
/// node. A look-up visits at most log n nodes for each interval that it finds.
/// </remarks>
internal sealed class IntervalTree<T>
    where T : class
{
    private readonly RangeKey _interval;
    private readonly CompactSet<T> _items;
    private readonly uint _priority;
    private readonly IntervalTree<T>? _left;
    private readonly IntervalTree<T>? _right;
    private readonly RangeBound? _highest;

    private IntervalTree(RangeKey interval, CompactSet<T> items, uint priority, IntervalTree<T>? left, IntervalTree<T>? right)
    {
        _interval = interval;
        _items = items;
        _priority = priority;
        _left = left;
        _right = right;
        _highest = Higher(interval.High, Higher(left, right));
    }

    /// <param name="priority">Random, and not for the caller of the index to choose: it keeps the tree balanced.</param>
    public static IntervalTree<T> Add(IntervalTree<T>? tree, RangeKey interval, T item, uint priority)
    {
        if (tree is null)
        {
            return new IntervalTree<T>(interval, default(CompactSet<T>).With(item), priority, null, null);
        }

        var side = IntervalOrder.Compare(interval, tree._interval);
        if (side == 0)
        {
            return new IntervalTree<T>(tree._interval, tree._items.With(item), tree._priority, tree._left, tree._right);
        }

        return side < 0
            ? RaiseLeft(tree, Add(tree._left, interval, item, priority))
            : RaiseRight(tree, Add(tree._right, interval, item, priority));
    }

    public static IntervalTree<T>? Remove(IntervalTree<T>? tree, RangeKey interval, T item)
    {
        if (tree is null)
        {
            return null;
        }

        var side = IntervalOrder.Compare(interval, tree._interval);
        if (side != 0)
        {
            return side < 0 ? tree.With(Remove(tree._left, interval, item), tree._right) : tree.With(tree._left, Remove(tree._right, interval, item));
        }

        var items = tree._items.Without(item);
        return items.IsEmpty ? Join(tree._left, tree._right) : new IntervalTree<T>(tree._interval, items, tree._priority, tree._left, tree._right);
    }

    /// <summary>Adds to <paramref name="found"/> the items of every interval that the value lies in.</summary>
    public static void Find(IntervalTree<T>? tree, in ValueKey value, List<T> found)
    {
        while (tree is not null && IntervalOrder.IsBelow(value, tree._highest))
        {
            Find(tree._left, value, found);
            if (!IntervalOrder.IsAbove(value, tree._interval.Low))
            {
                return;
            }

            if (IntervalOrder.IsBelow(value, tree._interval.High))
            {
                AddItems(tree._items, found);
            }

            tree = tree._right;
        }
    }

    public static void FindAll(IntervalTree<T>? tree, List<T> found)
    {
        for (; tree is not null; tree = tree._right)
        {
            FindAll(tree._left, found);
            AddItems(tree._items, found);
        }
    }

    private static void AddItems(CompactSet<T> items, List<T> found)
    {
        if (items.Single is { } single)
        {
            found.Add(single);
        }
        else
        {
            found.AddRange(items.All());
        }
    }

    private static IntervalTree<T> RaiseLeft(IntervalTree<T> tree, IntervalTree<T> left) => left._priority > tree._priority
        ? left.With(left._left, tree.With(left._right, tree._right))
        : tree.With(left, tree._right);

    private static IntervalTree<T> RaiseRight(IntervalTree<T> tree, IntervalTree<T> right) => right._priority > tree._priority
        ? right.With(tree.With(tree._left, right._left), right._right)
        : tree.With(tree._left, right);

    private static IntervalTree<T>? Join(IntervalTree<T>? left, IntervalTree<T>? right) => (left, right) switch
    {
        (null, _) => right,
        (_, null) => left,
        _ when left._priority > right._priority => left.With(left._left, Join(left._right, right)),
        _ => right.With(Join(left, right._left), right._right),
    };

    private static RangeBound? Higher(RangeBound? own, RangeBound? other) => IntervalOrder.CompareHigh(own, other) >= 0 ? own : other;

    // The highest of the subtrees. Null means no bound, so "no subtree" needs a value that is below all bounds.
    private static RangeBound? Higher(IntervalTree<T>? left, IntervalTree<T>? right) => (left, right) switch
    {
        (null, null) => IntervalOrder.Lowest,
        (null, _) => right._highest,
        (_, null) => left._highest,
        _ => Higher(left._highest, right._highest),
    };

    private IntervalTree<T> With(IntervalTree<T>? left, IntervalTree<T>? right) => new(_interval, _items, _priority, left, right);
}
