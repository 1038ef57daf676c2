using Serverless.Changes;

namespace Serverless.Capture.PgOutput;

/// <summary>Finds out what the partitions of a root really log of old rows, where they are published under the root's name.</summary>
/// <remarks>
/// A root's own replica identity says nothing of that: what a partition logs is decided by the partition, and pgoutput marks an old row as whole or key by the root. But before the first
/// change of a partition, and again before the first after its identity has changed, the stream describes the root and, right after it, the partition: two
/// descriptions in a row and then a change of the first. So what is known here is as old as the change, and needs no catalog, which only knows
/// the present.
/// </remarks>
internal sealed class PartitionIdentities
{
    private readonly Dictionary<uint, Dictionary<uint, RelationMessage>> _partitions = [];
    private RelationMessage? _last;
    private (uint Root, RelationMessage Partition)? _pair;

    /// <summary>Notes a description.</summary>
    public void Announced(RelationMessage message)
    {
        _pair = _last is { } before && before.Oid != message.Oid ? (before.Oid, message) : null;
        _last = message;
    }

    /// <summary>Notes a change.</summary>
    /// <returns>Whether more is known of the relation's partitions than before.</returns>
    public bool Changed(uint relation)
    {
        var pair = _pair;
        Interrupted();
        if (pair is not { } found || found.Root != relation)
        {
            return false;
        }

        if (!_partitions.TryGetValue(relation, out var partitions))
        {
            _partitions.Add(relation, partitions = []);
        }

        partitions[found.Partition.Oid] = found.Partition;
        return true;
    }

    /// <summary>Notes anything else: descriptions before and after it are not of one change.</summary>
    public void Interrupted()
    {
        _last = null;
        _pair = null;
    }

    /// <summary>Whether the relation is one under whose name partitions are published.</summary>
    public bool IsRoot(uint relation) => _partitions.ContainsKey(relation);

    /// <summary>The description, with the identity and the key that every partition has: the most that an old row of any of them can be relied on for.</summary>
    public RelationMessage Resolve(RelationMessage announced)
    {
        if (!_partitions.TryGetValue(announced.Oid, out var partitions))
        {
            return announced;
        }

        var identities = partitions.Values.Select(partition => partition.Identity).Distinct().ToList();
        var identity = identities.Count == 1 ? identities[0] : ReplicaIdentity.Index;
        var keys = partitions.Values.Select(partition => partition.Columns.Where(column => column.IsKey).Select(column => column.Name).ToHashSet()).ToList();
        return announced with
        {
            Identity = identity,
            Columns = [.. announced.Columns.Select(column => column with { IsKey = keys.TrueForAll(key => key.Contains(column.Name)) })],
        };
    }
}
