using Serverless.Changes;

namespace Serverless.ChangeLog;

/// <summary>What follows a place in the log of one table.</summary>
/// <param name="End">The present end of the stream; null where nothing was ever captured.</param>
/// <param name="Next">Null where the log was trimmed beyond the place.</param>
/// <param name="CompleteFrom">Whatever was committed at or after it is in the log, or was trimmed.</param>
internal sealed record LogTail(LogCursor? End, LoggedChanges? Next, Lsn CompleteFrom)
{
    /// <summary>Whether the log was not emptied by a crash since.</summary>
    public bool ReachesBackTo(ChangePosition position) => position.Commit.Value + 1 >= CompleteFrom.Value;
}
