using System.Collections.Concurrent;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>The predicates that are found by equality on one column, by the value they ask for. One writer, any number of readers.</summary>
internal sealed class EqualTable<T>
    where T : class
{
    private readonly PackedTokenMap<PredicateNode<T>> _packed = new();
    private readonly ConcurrentDictionary<byte[], CompactSet<PredicateNode<T>>> _long = new(concurrencyLevel: 1, capacity: 4, TokenComparer.Instance);
    private readonly ConcurrentDictionary<byte[], CompactSet<PredicateNode<T>>>.AlternateLookup<ReadOnlySpan<byte>> _longLookup;

    public EqualTable(string column, EqualityRule rule)
    {
        Column = column;
        Rule = rule;
        _longLookup = _long.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public string Column { get; }

    public EqualityRule Rule { get; }

    public bool IsEmpty => _packed.IsEmpty && _long.IsEmpty;

    public CompactSet<PredicateNode<T>> this[byte[] token]
    {
        get => Find(token);
        set
        {
            if (PackedToken.TryPack(token, out var packed))
            {
                _packed.Put(packed, value);
            }
            else if (value.IsEmpty)
            {
                _long.TryRemove(token, out _);
            }
            else
            {
                _long[token] = value;
            }
        }
    }

    public CompactSet<PredicateNode<T>> Find(RowImage image)
    {
        var ordinal = image.Relation.OrdinalOf(Column);
        return image.Has(ordinal) && image.ValueOf(ordinal) is var token && !token.SequenceEqual("null"u8) ? Find(Rule.Normalize(token)) : default;
    }

    private CompactSet<PredicateNode<T>> Find(ReadOnlySpan<byte> token) =>
        PackedToken.TryPack(token, out var packed) ? _packed.Find(packed)
        : _longLookup.TryGetValue(token, out var nodes) ? nodes
        : default;
}
