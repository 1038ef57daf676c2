using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>The predicates that are found by a range of one column's values. One writer, any number of readers.</summary>
internal sealed class RangeTable<T>(string column, ValueOrder order)
    where T : class
{
    private volatile IntervalTree<PredicateNode<T>>? _tree;
    private ulong _drawn;

    public string Column { get; } = column;

    public ValueOrder Order { get; } = order;

    public bool IsEmpty => _tree is null;

    public void Add(RangeKey key, PredicateNode<T> node) => _tree = IntervalTree<PredicateNode<T>>.Add(_tree, key, node, Draw());

    public void Remove(RangeKey key, PredicateNode<T> node) => _tree = IntervalTree<PredicateNode<T>>.Remove(_tree, key, node);

    public void Find(RowImage image, List<PredicateNode<T>> found)
    {
        var ordinal = image.Relation.OrdinalOf(Column);

        // Null is in no range, and neither is a value that the order cannot place.
        if (image.Has(ordinal) && ValueKey.TryRead(Order, image.ValueOf(ordinal), out var value))
        {
            IntervalTree<PredicateNode<T>>.Find(_tree, IntervalEnd.At(value), found);
        }
    }

    // SplitMix64 (Steele, Lea, Flood 2014): spreads a counter evenly. It owes nothing to the values, so no choice of values unbalances the tree.
    private uint Draw()
    {
        var z = _drawn += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (uint)((z ^ (z >> 31)) >> 32);
    }
}
