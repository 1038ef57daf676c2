using Microsoft.Extensions.Options;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Finds out which groups are to be told of a table's changes, and how much of each.</summary>
/// <remarks>
/// Each change is judged on its own images, as they were committed. The index gives candidates; what memory cannot decide is asked of PostgreSQL, for all changes of the batch
/// together. Whatever stays undecided is not sent.
/// </remarks>
internal sealed class ChangeJudge(PostgresQuestions questions, IOptions<SubscriptionOptions> options)
{
    /// <summary>
    /// How many pairs of group and change are judged at a time. Where policies make every subscriber a candidate for every change, a burst of changes would otherwise fill the
    /// memory and outlast the time that a question may take.
    /// </summary>
    public int CandidatesAtOnce { get; init; } = 500_000;

    /// <summary>Judges consecutive changes of one table under one description of it.</summary>
    /// <param name="isLastAttempt">Whether policies that cannot be evaluated fail for good, even if they may have been changed meanwhile.</param>
    public async Task<IReadOnlyList<GroupChanges>> JudgeAsync(
        Relation relation, TableSubscribers table, IReadOnlyList<RowChange> changes, bool isLastAttempt, CancellationToken cancellationToken)
    {
        var run = new JudgedRun(isLastAttempt);
        var deliveries = new OrderedDictionary<long, GroupChanges>();
        for (var next = 0; next < changes.Count;)
        {
            var candidates = new List<Candidate>();
            next = FindCandidates(table, changes, next, candidates);
            await questions.SettleAsync(relation, candidates, run, cancellationToken);
            Collect(relation, changes, candidates, deliveries);
        }

        foreach (var change in changes.Where(change => change.Kind == ChangeKind.Truncate))
        {
            AddTruncation(relation, table, change, deliveries);
        }

        foreach (var group in deliveries.Values)
        {
            group.Changes.Sort((left, right) => left.Change.Position.CompareTo(right.Change.Position));
        }

        return deliveries.Values;
    }

    /// <returns>The place of the first change whose candidates were not looked for.</returns>
    private int FindCandidates(TableSubscribers table, IReadOnlyList<RowChange> changes, int first, List<Candidate> candidates)
    {
        var matched = new List<(BoundGroup Group, Truth Truth)>();
        var i = first;
        for (; i < changes.Count && candidates.Count < CandidatesAtOnce; i++)
        {
            var change = changes[i];
            var image = change.Kind == ChangeKind.Delete ? change.Old : change.New;
            if (image is not null)
            {
                Match(table, change, i, image, isBefore: false, matched, candidates);
            }

            if (change is { Kind: ChangeKind.Update, Old: { } old } && table.WantsLeaving)
            {
                Match(table, change, i, old, isBefore: true, matched, candidates);
            }

            if (change is { Kind: ChangeKind.Delete, Old: { } deleted } && options.Value.UnverifiableDeletes == UnverifiableDeletes.SendKey)
            {
                AddUnverifiable(table, i, deleted, candidates);
            }
        }

        return i;
    }

    private static void Match(
        TableSubscribers table,
        RowChange change,
        int index,
        RowImage image,
        bool isBefore,
        List<(BoundGroup Group, Truth Truth)> matched,
        List<Candidate> candidates)
    {
        matched.Clear();
        table.Match(image, matched);
        foreach (var (bound, truth) in matched)
        {
            var definition = bound.Group.Definition;
            // Whether a row has left a group's sight depends on the row after the update too, whatever events the group wants.
            var wants = isBefore ? definition.Leave : definition.Event.Wants(change.Kind) || (definition.Leave && change.Kind == ChangeKind.Update);
            if (wants)
            {
                Add(bound, truth, change, index, image, isBefore, candidates);
            }
        }
    }

    private static void Add(BoundGroup bound, Truth truth, RowChange change, int index, RowImage image, bool isBefore, List<Candidate> candidates)
    {
        var sees = truth == Truth.True ? Truth.True : bound.Sees(image);
        if (sees is not (Truth.True or Truth.Ask))
        {
            return;
        }

        var old = change is { Kind: ChangeKind.Update, Old: { } before } && !isBefore ? before : null;
        var seesOld = old is null ? Truth.False : SeesOld(bound, old);
        candidates.Add(new Candidate(bound, index, image, isBefore)
        {
            MustAskFilter = truth == Truth.Ask && bound.FilterPredicate.Select(image) == Truth.Ask,
            MustAskPolicy = sees == Truth.Ask,
            SeesOld = seesOld == Truth.True,
            AskedOld = seesOld == Truth.Ask ? old : null,
        });
    }

    // Of a row that the log carried in part, nobody but those whom no policy binds is shown more than the key.
    private static Truth SeesOld(BoundGroup bound, RowImage old) =>
        bound.Policy.Kind == PolicyKind.Open ? Truth.True : old.IsComplete ? bound.Sees(old) : Truth.False;

    private static void AddUnverifiable(TableSubscribers table, int index, RowImage key, List<Candidate> candidates)
    {
        foreach (var bound in table.All())
        {
            if (bound.Group.Definition.Event.Wants(ChangeKind.Delete)
                && !bound.Policy.Columns.All(column => key.Has(key.Relation.OrdinalOf(column)))
                && bound.FilterPredicate.CanJudge(key)
                && bound.FilterPredicate.Select(key) == Truth.True)
            {
                candidates.Add(new Candidate(bound, index, key, isBefore: false) { IsUnverified = true });
            }
        }
    }

    private static void Collect(
        Relation relation, IReadOnlyList<RowChange> changes, List<Candidate> candidates, OrderedDictionary<long, GroupChanges> deliveries)
    {
        var told = new HashSet<(long Group, int Change)>();

        // An update is first asked about as the row is now; only a group to which that is not told may have lost sight of it.
        foreach (var candidate in candidates.Where(candidate => !candidate.IsOut && !candidate.IsBefore))
        {
            told.Add((candidate.Bound.Group.Id, candidate.Change));
            if (candidate.Bound.Group.Definition.Event.Wants(changes[candidate.Change].Kind))
            {
                Add(candidate, hasLeft: false);
            }
        }

        foreach (var candidate in candidates.Where(candidate => !candidate.IsOut && candidate.IsBefore))
        {
            if (!told.Contains((candidate.Bound.Group.Id, candidate.Change)))
            {
                Add(candidate, hasLeft: true);
            }
        }

        void Add(Candidate candidate, bool hasLeft)
        {
            var group = candidate.Bound.Group;
            if (!deliveries.TryGetValue(group.Id, out var collected))
            {
                var mask = ColumnMask.Of(relation, group.Definition.Columns, candidate.Bound.Policy.ReadableColumns);
                deliveries.Add(group.Id, collected = new GroupChanges(group, relation, mask, []));
            }

            var change = changes[candidate.Change];
            collected.Changes.Add(new ShapedChange(change, ShapeOf(candidate, change, collected.Columns, hasLeft)));
        }
    }

    // It is of no row, so no filter and no policy can tell whom it concerns: everybody who may read the table and wants every event.
    private static void AddTruncation(Relation relation, TableSubscribers table, RowChange change, OrderedDictionary<long, GroupChanges> deliveries)
    {
        foreach (var bound in table.All().Where(bound => bound.Group.Definition.Event.Wants(ChangeKind.Truncate)))
        {
            if (!deliveries.TryGetValue(bound.Group.Id, out var collected))
            {
                var mask = ColumnMask.Of(relation, bound.Group.Definition.Columns, bound.Policy.ReadableColumns);
                deliveries.Add(bound.Group.Id, collected = new GroupChanges(bound.Group, relation, mask, []));
            }

            collected.Changes.Add(new ShapedChange(change, new ChangeShape(collected.Columns, OldRecord.Absent, HasLeft: false, RowError.None)));
        }
    }

    private static ChangeShape ShapeOf(Candidate candidate, RowChange change, ColumnMask columns, bool hasLeft)
    {
        var error = ErrorOf(change, columns, hasLeft);
        var old = change switch
        {
            { Old: null } => OldRecord.Absent,
            _ when hasLeft || candidate.IsUnverified => OldRecord.Key,
            { Kind: ChangeKind.Delete } => OldRecord.AsLogged,
            _ when candidate.SeesOld => OldRecord.AsLogged,
            _ when KeyIsUnchanged(change) => OldRecord.Key,
            _ => OldRecord.Absent,
        };
        return new ChangeShape(columns, old, hasLeft, error);
    }

    private static RowError ErrorOf(RowChange change, ColumnMask columns, bool hasLeft)
    {
        var hasKey = false;
        for (var i = 0; i < change.Relation.Columns.Count; i++)
        {
            if (change.Relation.Columns[i].IsPrimary)
            {
                hasKey = true;
                if (!columns[i])
                {
                    return RowError.NoPrivilege;
                }
            }
        }

        return hasKey || change.Kind == ChangeKind.Delete || hasLeft ? RowError.None : RowError.NoPrimaryKey;
    }

    private static bool KeyIsUnchanged(RowChange change)
    {
        for (var i = 0; i < change.Relation.Columns.Count; i++)
        {
            if (change.Relation.Columns[i].IsKey && !change.Old!.ValueOf(i).SequenceEqual(change.New!.ValueOf(i)))
            {
                return false;
            }
        }

        return true;
    }
}
