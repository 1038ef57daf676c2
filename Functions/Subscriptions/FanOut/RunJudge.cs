using Serverless.Changes;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Policies;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Judges consecutive changes of one table for some of its subscribers, under the policies as they are.</summary>
internal sealed class RunJudge(RegistryRefresher registry, TableBinder binder, ChangeJudge judge)
{
    /// <summary>Each table's changes, cut where the table was altered.</summary>
    public static IEnumerable<List<RowChange>> RunsOf(IReadOnlyList<RowChange> changes)
    {
        foreach (var table in changes.GroupBy(change => change.Relation.Oid))
        {
            var run = new List<RowChange>();
            foreach (var change in table)
            {
                if (run.Count > 0 && !RelationComparer.Instance.Equals(run[0].Relation, change.Relation))
                {
                    yield return run;
                    run = [];
                }

                run.Add(change);
            }

            yield return run;
        }
    }

    /// <param name="run">One of <see cref="RunsOf"/>, of transactions that the view sees.</param>
    /// <param name="view">With the policies of the run's table.</param>
    public async Task<IReadOnlyList<GroupChanges>> JudgeAsync(
        List<RowChange> run, TableSubscribers subscribers, RegistryView view, CancellationToken cancellationToken)
    {
        try
        {
            return await JudgeAsync(run, subscribers, view, isLastAttempt: false, cancellationToken);
        }
        catch (StalePoliciesException)
        {
            subscribers.Unbind();
            var renewed = await registry.RefreshAsync([run[0].Relation.Oid], cancellationToken);
            return await JudgeAsync(run, subscribers, renewed, isLastAttempt: true, cancellationToken);
        }
    }

    private async Task<IReadOnlyList<GroupChanges>> JudgeAsync(
        List<RowChange> run, TableSubscribers subscribers, RegistryView view, bool isLastAttempt, CancellationToken cancellationToken)
    {
        var relation = run[0].Relation;
        while (view.Policies.TryGetValue(relation.Oid, out var policies))
        {
            if (await binder.BindAsync(relation, subscribers, policies, cancellationToken))
            {
                return await judge.JudgeAsync(relation, subscribers, run, isLastAttempt, cancellationToken);
            }

            view = await registry.RefreshAsync([relation.Oid], cancellationToken);
        }

        // A table that is gone is judged by nobody's rights, so nobody is told.
        return [];
    }
}
