using Serverless.Changes;

namespace Serverless.Subscriptions.FanOut;

/// <summary>
/// Finds two descriptions of a table equal when images of the one can be read by the other. A table that was altered in mid-batch has two that are not; every event off a
/// bus brings its own, which mostly are.
/// </summary>
internal sealed class RelationComparer : IEqualityComparer<Relation>
{
    public static RelationComparer Instance { get; } = new();

    public bool Equals(Relation? x, Relation? y) =>
        ReferenceEquals(x, y)
        || (x is not null && y is not null
            && (x.Oid, x.Schema, x.Name, x.Identity) == (y.Oid, y.Schema, y.Name, y.Identity)
            && x.Columns.SequenceEqual(y.Columns));

    public int GetHashCode(Relation obj) => (int)obj.Oid;
}
