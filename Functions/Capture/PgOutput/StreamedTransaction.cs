using Serverless.Changes;

namespace Serverless.Capture.PgOutput;

/// <summary>The transaction whose changes are being streamed. A stream of protocol version 1 has one at a time, in commit order.</summary>
/// <param name="Commit">Where its commit record begins; known before its changes.</param>
internal sealed record StreamedTransaction(Lsn Commit, DateTime CommittedAt, uint Xid)
{
    private int _next;

    public static StreamedTransaction Read(ref PgOutputReader reader) => new(reader.ReadLsn(), reader.ReadTimestamp(), reader.ReadUInt32());

    /// <summary>
    /// The position of the next change. Changes that are not passed on are counted too, so that a stream repeated under other settings
    /// gives the same positions.
    /// </summary>
    public ChangePosition NextPosition() => new(Commit, _next++);
}
