using Serverless.ChangeLog;
using Serverless.Resume;
using Serverless.Subscriptions.FanOut;

namespace Serverless.Streams;

/// <summary>What one look into the log found for a stream.</summary>
/// <param name="Gap">Why what followed cannot be given; it goes on from <paramref name="Reached"/>.</param>
/// <param name="IsEnd">Whether the log held no more.</param>
internal sealed record TailPiece(Gap? Gap, IReadOnlyList<GroupChanges> Changes, LogCursor Reached, bool IsEnd);

/// <summary>Finds what follows the place that a stream has come to, as its token, the policies and the filter let it through now.</summary>
internal sealed class TailReader(LogReader log, LogJudge judge) : IDisposable
{
    /// <summary>Readings at a time in this process. Many streams may wake at once, and calls and live changes want the database too.</summary>
    private const int AtOnce = 4;

    private readonly SemaphoreSlim _slots = new(AtOnce);

    public async Task<TailPiece> ReadAsync(StreamedTable table, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            var at = table.Reached;
            var tail = await log.ReadTailAsync(table.Definition.Schema, table.Definition.Table, at, cancellationToken);
            var end = tail.End ?? at;
            if (GapAfter(at, end, tail) is { } gap)
            {
                return new TailPiece(gap, [], end, IsEnd: false);
            }

            var next = tail.Next!;
            var changes = next.Changes.Count == 0 ? [] : await judge.JudgeAsync(next.Changes, table.SubscribersOf(next.Changes), cancellationToken);
            return new TailPiece(null, changes, at with { Position = next.Last }, next.IsEnd);
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private static Gap? GapAfter(LogCursor at, LogCursor end, LogTail tail) =>
        end.Epoch != at.Epoch ? Gap.EpochChanged
        : !tail.ReachesBackTo(at.Position) ? Gap.LogEmptied
        : tail.Next is null ? Gap.WindowPassed
        : null;
}
