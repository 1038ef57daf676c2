using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>One distinct predicate of an index, with all entries that have it, so that it is evaluated once an image.</summary>
internal sealed class PredicateNode<T>(Predicate predicate)
    where T : class
{
    public Predicate Predicate { get; } = predicate;

    /// <summary>The part of the predicate whose keys lead here; null where every image does.</summary>
    public Predicate? KeyPart { get; private set; }

    /// <summary>What is left to evaluate once a key has led here; null where the key alone says that the predicate is true.</summary>
    public Predicate? Rest { get; private set; } = predicate;

    /// <summary>Whether one image may lead here by several keys.</summary>
    public bool MayRepeat { get; private set; }

    // Read by matching threads while it is written: one reference, and what it refers to is complete before it is stored.
    public CompactSet<T> Entries { get; set; }

    private int TextHash { get; } = predicate.Text.GetHashCode(StringComparison.Ordinal);

    /// <summary>Decides by which keys the node is found. Before it is, and only then.</summary>
    public void FindBy(KeyChoice choice)
    {
        KeyPart = choice.Part;
        Rest = choice.Rest;
        MayRepeat = choice.MayRepeat;
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
