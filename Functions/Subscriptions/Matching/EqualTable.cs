using System.Collections.Concurrent;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>The predicates that are found by equality on one column, by the value they ask for. One writer, any number of readers.</summary>
internal sealed class EqualTable<T>
    where T : class
{
    private readonly ConcurrentDictionary<byte[], CompactSet<PredicateNode<T>>> _nodes = new(concurrencyLevel: 1, capacity: 4, TokenComparer.Instance);
    private readonly ConcurrentDictionary<byte[], CompactSet<PredicateNode<T>>>.AlternateLookup<ReadOnlySpan<byte>> _lookup;

    public EqualTable(string column, EqualityRule rule)
    {
        Column = column;
        Rule = rule;
        _lookup = _nodes.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public string Column { get; }

    public EqualityRule Rule { get; }

    public bool IsEmpty => _nodes.IsEmpty;

    public CompactSet<PredicateNode<T>> this[byte[] token]
    {
        get => _nodes.GetValueOrDefault(token);
        set
        {
            if (value.IsEmpty)
            {
                _nodes.TryRemove(token, out _);
            }
            else
            {
                _nodes[token] = value;
            }
        }
    }

    public bool TryFind(RowImage image, out CompactSet<PredicateNode<T>> nodes)
    {
        nodes = default;
        var ordinal = image.Relation.OrdinalOf(Column);
        if (!image.Has(ordinal))
        {
            return false;
        }

        var token = image.ValueOf(ordinal);
        return !token.SequenceEqual("null"u8) && _lookup.TryGetValue(Rule.Normalize(token), out nodes);
    }
}
