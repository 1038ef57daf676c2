using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>One distinct predicate of an index, with all entries that have it, so that it is evaluated once an image.</summary>
internal sealed class PredicateNode<T>(Predicate predicate)
    where T : class
{
    // Read by matching threads while they are written. An entry stays in the field that it came into, so a reader of both misses none that stays.
    private T? _one;
    private CompactSet<T> _others;

    public Predicate Predicate { get; } = predicate;

    /// <inheritdoc cref="Placement.KeyPart"/>
    public Predicate? KeyPart { get; private set; }

    /// <inheritdoc cref="Placement.Rest"/>
    public Predicate? Rest { get; private set; }

    /// <inheritdoc cref="Placement.MayRepeat"/>
    public bool MayRepeat { get; private set; }

    public bool IsEmpty => _one is null && _others.IsEmpty;

    private int TextHash { get; } = predicate.Text.GetHashCode(StringComparison.Ordinal);

    /// <summary>Says how the node is found. Before it is, and only then.</summary>
    public void PlaceBy(Placement placement) => (KeyPart, Rest, MayRepeat) = (placement.KeyPart, placement.Rest, placement.MayRepeat);

    public bool Contains(T entry) => ReferenceEquals(_one, entry) || _others.Contains(entry);

    /// <summary>Adds an entry that is not there.</summary>
    public void Add(T entry)
    {
        if (_one is null)
        {
            _one = entry;
        }
        else
        {
            _others = _others.With(entry);
        }
    }

    public void Remove(T entry)
    {
        if (ReferenceEquals(_one, entry))
        {
            _one = null;
        }
        else
        {
            _others = _others.Without(entry);
        }
    }

    public void CopyTo(List<(T Entry, Truth Truth)> into, Truth truth)
    {
        var one = _one;
        if (one is not null)
        {
            into.Add((one, truth));
        }

        var others = _others;
        if (others.IsEmpty)
        {
            return;
        }

        foreach (var entry in others.All())
        {
            // One that has left and come back meanwhile may be in the other field by now.
            if (!ReferenceEquals(entry, one))
            {
                into.Add((entry, truth));
            }
        }
    }

    /// <summary>Nodes are equal where their predicates are. The text is made anew for it, since kept it would be the largest part of the node.</summary>
    public sealed class ByPredicate : IEqualityComparer<PredicateNode<T>>
    {
        public static ByPredicate Instance { get; } = new();

        public bool Equals(PredicateNode<T>? x, PredicateNode<T>? y) =>
            ReferenceEquals(x, y) || (x!.TextHash == y!.TextHash && (ReferenceEquals(x.Predicate, y.Predicate) || x.Predicate.Text == y.Predicate.Text));

        public int GetHashCode(PredicateNode<T> obj) => obj.TextHash;
    }
}
