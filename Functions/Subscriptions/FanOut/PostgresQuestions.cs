using Npgsql;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Asks PostgreSQL what memory could not decide of a table's candidates: first policies, then filters for those that are left.</summary>
/// <remarks>In this order, since a filter that fails, or takes long, would tell of a row that the policies hide.</remarks>
internal sealed class PostgresQuestions(NpgsqlDataSource dataSource, PolicyJudge judge, SubscriberNotices notices, FilterWatch watch)
{
    private const int MostAudiences = 8;

    /// <summary>Marks as out whoever the answers exclude, and everybody about whom there is none; the latter are told.</summary>
    /// <exception cref="StalePoliciesException">The policies were changed since they were read.</exception>
    public async Task SettleAsync(Relation relation, List<Candidate> candidates, JudgedRun run, CancellationToken cancellationToken)
    {
        if (!candidates.Exists(candidate => candidate.MustAskFilter || candidate.MustAskPolicy || candidate.AskedOld is not null))
        {
            return;
        }

        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var asked = candidates
            .Where(candidate => candidate.MustAskPolicy || candidate.AskedOld is not null)
            .GroupBy(candidate => candidate.Bound, BoundGroupComparer.Instance);

        // Groups that were bound at different times hold readings of their own of the same policies, and one question serves them all.
        foreach (var ofPolicy in asked.GroupBy(group => (group.Key.Policy.Role, group.Key.Policy.Fingerprint)))
        {
            await SettlePolicyAsync(connection, ofPolicy.First().Key.Policy, ofPolicy, run, cancellationToken);
        }

        await SettleFiltersAsync(connection, relation, [.. candidates.Where(candidate => candidate.MustAskFilter && !candidate.IsOut)], cancellationToken);
    }

    private async Task SettleFiltersAsync(NpgsqlConnection connection, Relation relation, List<Candidate> candidates, CancellationToken cancellationToken)
    {
        var byFilter = new List<List<Candidate>>();
        foreach (var ofFilter in candidates.GroupBy(candidate => candidate.Bound.Filter.ToJson(), StringComparer.Ordinal))
        {
            var awake = new List<Candidate>();
            foreach (var ofGroup in ofFilter.GroupBy(candidate => candidate.Bound.Group))
            {
                if (watch.Of(relation.Oid, ofFilter.Key, ofGroup.Key.Id).Rest is var rest && rest > TimeSpan.Zero)
                {
                    await LeaveOutAsync([.. ofGroup], FilterAnswer.Resting(rest), cancellationToken);
                }
                else
                {
                    awake.AddRange(ofGroup);
                }
            }

            if (awake.Count > 0)
            {
                byFilter.Add(awake);
            }
        }

        var slow = await AskFiltersAsync(connection, relation, byFilter, FilterQuestions.DefaultLimit, tellsSlow: false, cancellationToken);

        // Some of the rows are slow, and others were not answered because of them: those who see one of the former must not be told apart by the latter.
        var byAudience = slow.SelectMany(ByAudience).ToList();
        await AskFiltersAsync(connection, relation, byAudience, FilterQuestions.DefaultLimit / 4, tellsSlow: true, cancellationToken);
    }

    /// <param name="tellsSlow">Whether each question is about images that all its groups may see, so that they may be told, and the filter rests for them.</param>
    /// <returns>Questions that took too long about several images; all others are settled.</returns>
    private async Task<List<List<Candidate>>> AskFiltersAsync(
        NpgsqlConnection connection, Relation relation, List<List<Candidate>> byFilter, TimeSpan limit, bool tellsSlow, CancellationToken cancellationToken)
    {
        var slow = new List<List<Candidate>>();
        if (byFilter.Count == 0)
        {
            return slow;
        }

        var images = byFilter.ConvertAll(group => new ImageList(group.Select(candidate => candidate.Image)));
        var questions = byFilter.Select((group, i) =>
            FilterQuestion.About(group[0].Bound.Filter, images[i].Images) with { Record = tellsSlow ? new FilterRecord(watch) : RecordOf(relation, group) }).ToList();
        var answers = await FilterQuestions.AskAsync(connection, relation, questions, limit, cancellationToken);
        for (var i = 0; i < byFilter.Count; i++)
        {
            if (answers[i].Rest is not null && tellsSlow)
            {
                // Slow for a row that all of these groups see.
                Strike(relation, byFilter[i]);
            }
            else if (answers[i] is { TookTooLong: true, Rest: null } && !tellsSlow && images[i].Images.Count > 1)
            {
                slow.Add(byFilter[i]);
                continue;
            }

            var unanswered = new List<Candidate>();
            foreach (var candidate in byFilter[i])
            {
                var verdict = answers[i].Verdicts[images[i].PlaceOf(candidate.Image)];
                candidate.IsOut = verdict is not true;
                if (verdict is null)
                {
                    unanswered.Add(candidate);
                }
            }

            if (answers[i].SqlState is not null)
            {
                await LeaveOutAsync(unanswered, answers[i], cancellationToken);
            }
        }

        return slow;
    }

    // What several groups share never rests: it may be slow for a row that only some of them see.
    private FilterRecord RecordOf(Relation relation, List<Candidate> candidates)
    {
        var first = candidates[0].Bound;
        return watch.Of(relation.Oid, first.Filter.ToJson(), candidates.TrueForAll(candidate => candidate.Bound.Group == first.Group) ? first.Group.Id : null);
    }

    private void Strike(Relation relation, List<Candidate> candidates)
    {
        foreach (var group in candidates.Select(candidate => candidate.Bound.Group.Id).Distinct())
        {
            watch.Of(relation.Oid, candidates[0].Bound.Filter.ToJson(), group).TookTooLong(together: 1);
        }
    }

    // The images by who may see them; the last part is of all those beyond what can be asked apart.
    private static IEnumerable<List<Candidate>> ByAudience(List<Candidate> candidates) => candidates
        .GroupBy(candidate => candidate.Image, ReferenceEqualityComparer.Instance)
        .GroupBy(image => string.Join(',', image.Select(candidate => candidate.Bound.Group.Id).Distinct().Order()), StringComparer.Ordinal)
        .Select((audience, i) => (Place: Math.Min(i, MostAudiences - 1), Candidates: audience.SelectMany(image => image)))
        .GroupBy(part => part.Place, part => part.Candidates)
        .Select(part => part.SelectMany(each => each).ToList());

    private async Task LeaveOutAsync(List<Candidate> candidates, FilterAnswer answer, CancellationToken cancellationToken)
    {
        candidates.ForEach(candidate => candidate.IsOut = true);
        foreach (var group in candidates.Select(candidate => candidate.Bound.Group).Distinct())
        {
            await notices.TellAsync(
                group, "FilterFailed", $"The filter {answer.Reason} Changes that it should have been asked about did not arrive.", cancellationToken);
        }
    }

    private async Task SettlePolicyAsync(
        NpgsqlConnection connection,
        TablePolicy policy,
        IEnumerable<IGrouping<BoundGroup, Candidate>> groups,
        JudgedRun run,
        CancellationToken cancellationToken)
    {
        var images = new ImageList();
        var askers = new List<ClaimsAsking>();
        foreach (var ofClaims in groups.GroupBy(group => group.Key.Group.Claims ?? "{}", StringComparer.Ordinal))
        {
            var asking = new ClaimsAsking(ofClaims.Key, [.. ofClaims.SelectMany(group => group)], [.. ofClaims.Select(group => group.Key.Group)]);
            if (run.HasGivenUp(policy.Role, asking.Claims))
            {
                asking.Exclude();
            }
            else
            {
                askers.Add(asking);
            }
        }

        var asks = askers.ConvertAll(asking => new PolicyAsk(asking.Claims, [.. asking.Candidates.SelectMany(Asked).Select(images.PlaceOf).Distinct()]));
        var answers = await judge.JudgeAsync(connection, policy, images.Images, asks, cancellationToken);
        for (var i = 0; i < asks.Count; i++)
        {
            if (answers[i].Failure is { } failure)
            {
                await FailAsync(policy, failure, askers[i], run, cancellationToken);
            }

            // None where it failed for all of them.
            var seen = asks[i].Images.Zip(answers[i].Visible).Where(pair => pair.Second).Select(pair => pair.First).ToHashSet();
            foreach (var candidate in askers[i].Candidates)
            {
                candidate.IsOut = candidate.MustAskPolicy && !seen.Contains(images.PlaceOf(candidate.Image));
                candidate.SeesOld |= candidate.AskedOld is { } old && seen.Contains(images.PlaceOf(old));
            }
        }
    }

    private async Task FailAsync(TablePolicy policy, PolicyFailure failure, ClaimsAsking asking, JudgedRun run, CancellationToken cancellationToken)
    {
        if (failure.MayBeStale && !run.IsLastAttempt)
        {
            throw new StalePoliciesException();
        }

        if (failure.SqlState == PolicyFailure.TookTooLong)
        {
            run.GiveUp(policy.Role, asking.Claims);
        }

        foreach (var group in asking.Groups)
        {
            await notices.TellAsync(group, "PolicyFailed", failure.Message(policy), cancellationToken);
        }
    }

    private static IEnumerable<RowImage> Asked(Candidate candidate)
    {
        if (candidate.MustAskPolicy)
        {
            yield return candidate.Image;
        }

        if (candidate.AskedOld is { } old)
        {
            yield return old;
        }
    }

    /// <summary>What is asked on behalf of one claim set.</summary>
    private sealed record ClaimsAsking(string Claims, IReadOnlyList<Candidate> Candidates, IReadOnlyList<SubscriberGroup> Groups)
    {
        /// <summary>There is no answer, so nobody who needs one is told of the change.</summary>
        public void Exclude()
        {
            foreach (var candidate in Candidates)
            {
                candidate.IsOut |= candidate.MustAskPolicy;
            }
        }
    }

    /// <summary>Compares by identity: these are records, whose own equality reads every member, and there may be as many candidates as groups times changes.</summary>
    private sealed class BoundGroupComparer : IEqualityComparer<BoundGroup>
    {
        public static BoundGroupComparer Instance { get; } = new();

        public bool Equals(BoundGroup? x, BoundGroup? y) => ReferenceEquals(x, y);

        public int GetHashCode(BoundGroup obj) => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(obj);
    }

    /// <summary>The images of one question, each once.</summary>
    private sealed class ImageList
    {
        private readonly Dictionary<RowImage, int> _places = [];

        public ImageList(params IEnumerable<RowImage> images)
        {
            foreach (var image in images)
            {
                PlaceOf(image);
            }
        }

        public List<RowImage> Images { get; } = [];

        public int PlaceOf(RowImage image)
        {
            if (!_places.TryGetValue(image, out var place))
            {
                _places.Add(image, place = Images.Count);
                Images.Add(image);
            }

            return place;
        }
    }
}

/// <summary>Policies name something that is gone: they were changed after they were read. Read them again and judge again.</summary>
internal sealed class StalePoliciesException : Exception
{
    public StalePoliciesException()
        : base("The policies were changed after they were read.")
    {
    }

    public StalePoliciesException(string message)
        : base(message)
    {
    }

    public StalePoliciesException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
