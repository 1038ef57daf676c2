namespace Serverless.Changes;

/// <summary>One committed change of one row, or the truncation of one table.</summary>
/// <param name="Relation">The table, as it was described when the change was streamed.</param>
/// <param name="Position">Its place in the epoch of the batch that carries it.</param>
/// <param name="Xid">The low 32 bits of the transaction's id, as the stream carries it.</param>
/// <param name="CommittedAt">The commit's time on the database server, in UTC.</param>
/// <param name="New">The row after an insert or update; null otherwise.</param>
/// <param name="Old">
/// The row before an update or delete: all of it under replica identity FULL, else its key columns. Null for inserts
/// and truncations, and where the table has no identity.
/// </param>
internal sealed record RowChange(
    Relation Relation,
    ChangeKind Kind,
    ChangePosition Position,
    uint Xid,
    DateTime CommittedAt,
    RowImage? New,
    RowImage? Old);
