using Serverless.Changes;
using Serverless.Subscriptions.FanOut;
using Serverless.Subscriptions.Matching;

namespace Serverless.Resume;

/// <summary>Judges logged changes of one table for its subscribers, as the present token, policies and filter say.</summary>
internal sealed class LogJudge(VisibleView visible, RunJudge judge)
{
    public async Task<IReadOnlyList<GroupChanges>> JudgeAsync(IReadOnlyList<RowChange> changes, TableSubscribers subscribers, CancellationToken cancellationToken)
    {
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
