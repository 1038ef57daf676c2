using System.Text;

namespace Serverless.Changes;

/// <summary>Chooses the partition of a table, so that one table's changes stay in commit order.</summary>
internal static class TablePartition
{
    /// <summary>The same answer in every process and version: FNV-1a over <c>schema.table</c> in UTF-8.</summary>
    public static int Of(Relation relation, int partitionCount)
    {
        var hash = 2166136261u;
        foreach (var b in Encoding.UTF8.GetBytes($"{relation.Schema}.{relation.Name}"))
        {
            hash = (hash ^ b) * 16777619u;
        }

        return (int)(hash % (uint)partitionCount);
    }
}
