using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;

namespace Serverless.Subscriptions.Visibility;

/// <summary>One history: a table, its subscribers, what happened, and what each of them may have been told of it.</summary>
/// <remarks>
/// Changes are under way nearly always: nothing waits for them but some steps that change who may see what. Those that are under way when that changes
/// may be judged by what held before or by what holds after, so both are right for them. Two such steps never stand between a change and a drain.
/// </remarks>
internal sealed class History(Stage stage, HistoryPlan plan, string name)
{
    private readonly List<CommittedChange> _changes = [];
    private readonly List<Watch> _watches = [];
    private readonly List<string> _transcript = [];
    private Oracle _oracle = null!;
    private Watch _everything = null!;
    private int _drained;
    private int _topics;
    private bool _rightsChanged;

    public Stage Stage => stage;

    public RandomTable Table { get; private set; } = null!;

    /// <summary>The table's policies by name.</summary>
    public Dictionary<string, RandomPolicy> Policies { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<Watch> Live => [.. _watches.Where(watch => watch.FirstUnwanted is null)];

    /// <summary>What was done, for somebody who must find out why it went wrong.</summary>
    public IReadOnlyList<string> Transcript => _transcript;

    /// <returns>What is wrong; empty where all is well.</returns>
    public async Task<IReadOnlyList<string>> RunAsync()
    {
        var random = new Random(plan.Seed);
        Table = RandomTable.Make(random, stage.TableName(name));
        _oracle = new Oracle(stage, Table);
        try
        {
            await HistorySteps.BeginAsync(this, random);
            await EvaluateAsync();
            _everything = await JoinEverythingAsync();
            for (var i = 0; i < plan.Subscribers; i++)
            {
                await SubscribeAsync(RandomSubscriber.Make(random, Table, stage.Roles, Stage.Users));
            }

            foreach (var step in plan.Steps)
            {
                await HistorySteps.TakeAsync(this, new Random(step));
            }

            await EvaluateAsync();
            await stage.SettleAsync();
            return Comparison.Compare(Table, _changes, _watches, _everything, stage.Listeners);
        }
        finally
        {
            await EndAsync();
        }
    }

    /// <summary>Writes rows. A unique key that is there already undoes the transaction, which is as good a history.</summary>
    public async Task WriteAsync(string sql)
    {
        _transcript.Add(sql);
        try
        {
            await stage.ExecuteAsync(sql);
        }
        catch (PostgresException ex) when (ex.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.NotNullViolation)
        {
            await stage.ExecuteAsync("rollback");
        }
    }

    /// <summary>Changes who may see what, on the table and on the oracle's copy at once.</summary>
    /// <param name="template">SQL with <c>{t}</c> for the table and <c>{s}</c> for its schema; done once where it has neither.</param>
    /// <param name="drain">Whether to wait for everything under way, even if the oracle could do without.</param>
    public async Task ChangeRightsAsync(string template, bool drain)
    {
        await EvaluateAsync();
        if (drain || _rightsChanged)
        {
            await DrainAsync();
        }

        var live = Fill(template, stage.Schema);
        var shadow = Fill(template, stage.Shadow);
        _transcript.Add((_rightsChanged ? "-- changes under way\n" : "") + live);
        // Revoking a table takes its columns with it, and the oracle selects by the number of the image.
        await stage.ExecuteAsync(
            live == shadow ? live : $"begin; {live}; {shadow}; grant select (_seq) on {stage.Shadow}.{Table.Name} to public; commit");
        _rightsChanged = true;
    }

    /// <summary>SQL from a template: <c>{t}</c> is the table and <c>{s}</c> its schema, <c>{m}</c> the memberships, <c>{f}</c> where they and functions are.</summary>
    public string Fill(string template, string schema) => template
        .Replace("{m}", $"{stage.Schema}.members", StringComparison.Ordinal)
        .Replace("{t}", $"{schema}.{Table.Name}", StringComparison.Ordinal)
        .Replace("{f}", stage.Schema, StringComparison.Ordinal)
        .Replace("{s}", schema, StringComparison.Ordinal);

    public async Task SubscribeAsync(RandomSubscriber subscriber, Watch? replaced = null)
    {
        await EvaluateAsync();
        var topic = replaced?.Topic ?? string.Create(CultureInfo.InvariantCulture, $"{name}-{_topics++}");
        var id = await JoinAsync(subscriber, topic, stage.Listeners[subscriber.User]);
        if (replaced is not null)
        {
            End(replaced);
        }

        if (id is { } number)
        {
            var watch = new Watch(subscriber, topic, number, _changes.Count);
            _watches.Add(watch);
            _transcript.Add($"-- subscribed: {watch}");
        }
    }

    public async Task LeaveAsync(Watch watch)
    {
        await EvaluateAsync();
        using var response = await stage.Listeners[watch.Subscriber.User].Client.PostAsync("leave", new { topic = watch.Topic });
        response.EnsureSuccessStatusCode();
        End(watch);
    }

    private void End(Watch watch)
    {
        watch.FirstUnwanted = _changes.Count;
        _transcript.Add($"-- left: {watch.Topic}");
        watch.Excuse(_drained);
    }

    private async Task DrainAsync()
    {
        _rightsChanged = false;
        if (_drained == _changes.Count)
        {
            return;
        }

        await stage.DrainAsync();
        await _oracle.ForgetImagesAsync();
        _drained = _changes.Count;
        _transcript.Add("-- drained");
    }

    // Asks who may see what is under way, as things stand now.
    private async Task EvaluateAsync()
    {
        _changes.AddRange(await _oracle.NewChangesAsync());
        if (_drained == _changes.Count || _watches.Count == 0)
        {
            return;
        }

        var verdicts = await _oracle.JudgeAsync([.. _watches.Select(watch => watch.Subscriber)]);
        foreach (var (watch, verdict) in _watches.Zip(verdicts))
        {
            var mayFail = watch.Subscriber.HasBrokenClaims || verdict.Policies.Any(policy => Policies[policy].MayFail || Policies[policy].MayFailFor(watch.Subscriber));
            if ((verdict.Guarded && mayFail) || verdict.Allowed.Failed || (verdict.Matching.Failed && watch.Subscriber.Filter.Columns.IsSubsetOf(verdict.Readable)))
            {
                watch.HasFailed = true;
                watch.Excuse(_drained);
            }

            var policyColumns = verdict.Policies.Where(_ => verdict.Guarded).SelectMany(policy => Policies[policy].Columns).ToHashSet();
            var expectation = new Expectation(Table, watch.Subscriber, verdict, policyColumns, mayFail);
            for (var i = _drained; i < _changes.Count && watch.Concerns(i); i++)
            {
                foreach (var text in expectation.For(_changes[i]))
                {
                    watch.Accept(i, text);
                }
            }
        }
    }

    private async Task<Watch> JoinEverythingAsync()
    {
        var claims = new Dictionary<string, object> { ["role"] = stage.Everything };
        var subscriber = new RandomSubscriber(Stage.Users, stage.Everything, claims, "*", RandomFilter.None, null, false);
        var id = await JoinAsync(subscriber, name, stage.Listeners[^1]) ?? throw new InvalidOperationException("Who may read everything was refused.");
        return new Watch(subscriber, name, id, _changes.Count);
    }

    // Null where it is refused and rightly so.
    private async Task<long?> JoinAsync(RandomSubscriber subscriber, string topic, Listener listener)
    {
        using var response = await listener.Client.PostAsync(
            "join",
            new
            {
                topic,
                access_token = Stage.TokenFor(subscriber.Claims),
                config = new { postgres_changes = new[] { subscriber.Request(stage.Schema, Table.Name) } },
            });
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        if (response.IsSuccessStatusCode)
        {
            return answer.GetProperty("postgres_changes")[0].GetProperty("id").GetInt64();
        }

        var readable = (await _oracle.JudgeAsync([subscriber]))[0].Readable;
        var asked = subscriber.Filter.Columns.Union(subscriber.Select ?? new HashSet<string>());
        _transcript.Add($"-- refused: {answer}");
        return readable.Count == 0 || !asked.All(readable.Contains)
            ? null
            : throw new InvalidOperationException($"A join was refused with {answer} that should not have been: {subscriber.Filter.Text} as {subscriber.ClaimsJson}.");
    }

    private async Task EndAsync()
    {
        foreach (var topics in Live.Append(_everything).Where(watch => watch is not null).GroupBy(watch => watch.Subscriber.User))
        {
            using var response = await stage.Listeners[topics.Key].Client.PostAsync(
                "leave", new { channels = topics.Select(watch => new { topic = watch.Topic }) });
        }

        await HistorySteps.EndAsync(this);
        foreach (var listener in stage.Listeners)
        {
            listener.Take();
        }
    }
}
