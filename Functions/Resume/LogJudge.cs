using Serverless.Changes;
using Serverless.Subscriptions.FanOut;
using Serverless.Subscriptions.Matching;

namespace Serverless.Resume;

/// <summary>Judges logged changes of one table for its subscribers, as the present token, policies and filter say.</summary>
internal sealed class LogJudge(VisibleView visible, RunJudge judge, IEnumerable<ITableSink> sinks)
{
    private readonly ITableSink[] _sinks = [.. sinks];

    public async Task<IReadOnlyList<GroupChanges>> JudgeAsync(IReadOnlyList<RowChange> changes, TableSubscribers subscribers, CancellationToken cancellationToken)
    {
        // As live changes are: rows that are messages reach whoever may hear their topic, and are nobody's row changes.
        changes = [.. changes.Where(change => !_sinks.Any(sink => sink.Takes(change.Relation)))];
        if (changes.Count == 0)
        {
            return [];
        }

        var view = await visible.WaitForAsync(changes, cancellationToken);
        var judged = new List<GroupChanges>();
        foreach (var run in RunJudge.RunsOf(changes))
        {
            judged.AddRange(await judge.JudgeAsync(run, subscribers, view, cancellationToken));
        }

        return judged;
    }
}
