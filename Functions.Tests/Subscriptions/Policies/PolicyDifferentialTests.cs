using Serverless.Subscriptions.Filters;
using Xunit.Abstractions;

namespace Serverless.Subscriptions.Policies;

/// <summary>Holds judging, and policies that were reduced, against what a select under row-level security returns: random policies, rows and claims.</summary>
public sealed class PolicyDifferentialTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Rows = 25;
    private const int ClaimSets = 6;

    private PolicyDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await PolicyDatabase.CreateAsync();
        await _database.ExecuteAsync(RandomPolicies.Schema.Replace("DB", Suffix, StringComparison.Ordinal));
    }

    private string Suffix => _database.Database.Name;

    public async Task DisposeAsync()
    {
        // Roles belong to the whole server.
        await _database.ExecuteAsync($"drop owned by staff_{Suffix}, stranger_{Suffix} cascade; revoke staff_{Suffix} from authenticated; drop policy if exists x on t");
        await _database.ExecuteAsync("drop table t cascade");
        await _database.ExecuteAsync($"drop role staff_{Suffix}; drop role stranger_{Suffix}");
        await _database.DisposeAsync();
    }

    [Theory]
    [InlineData(1, 60)]
    [InlineData(2, 60)]
    public async Task Judged_and_reduced_policies_show_what_the_role_sees(int seed, int policies)
    {
        var random = new RandomPolicies(seed);
        var counts = new Counts();
        for (var i = 0; i < policies; i++)
        {
            var definitions = random.Policies(Suffix);
            await _database.ExecuteAsync(
                $"""
                do $$ declare p text; begin for p in select polname from pg_policy where polrelid = 't'::regclass loop execute format('drop policy %I on t', p); end loop; end $$;
                truncate t;
                {random.Helpers()};
                {string.Join(";\n", definitions)};
                {string.Join(";\n", Enumerable.Range(1, Rows).Select(random.Row))};
                """);
            await CompareAsync(string.Join("\n", definitions), [.. Enumerable.Range(0, ClaimSets).Select(_ => random.Claims())], counts);
        }

        output.WriteLine(counts.ToString());
        counts.Compared.Should().BeGreaterThan(policies * ClaimSets / 2);
        counts.Reduced.Should().BeGreaterThan(10);
        counts.Visible.Should().BeGreaterThan(100);
    }

    private async Task CompareAsync(string definitions, string[] claims, Counts counts)
    {
        var policy = await _database.ReadAsync("t");
        var images = await _database.ImagesAsync("t");
        int[] all = [.. Enumerable.Range(0, images.Count)];
        var verdicts = await _database.Judge.JudgeAsync(
            _database.Connection, policy, [.. images.Select(image => image.Image)], [.. claims.Select(set => new PolicyAsk(set, all))], CancellationToken.None);
        var bound = await _database.Binder.BindAsync(_database.Connection, policy, claims, CancellationToken.None);
        for (var i = 0; i < claims.Length; i++)
        {
            var seen = await _database.SeenAsync("t", "authenticated", claims[i]);
            if (seen is null)
            {
                counts.Failed++;
                continue;
            }

            var because = $"of policies\n{definitions}\nand claims {claims[i]} in {policy.Sql}";
            verdicts[i].Failure.Should().BeNull(because);
            images.Zip(verdicts[i].Visible).Where(pair => pair.Second).Select(pair => pair.First.Id).Should().BeEquivalentTo(seen, because);
            bound[i].Failure.Should().BeNull(because);
            counts.Add(policy, seen.Count);
            foreach (var (id, image) in images)
            {
                var truth = bound[i].Predicate.Evaluate(image);
                if (truth == Truth.Ask && !policy.IsReducible)
                {
                    counts.Asked++;
                    continue;
                }

                counts.Decided++;
                (truth == Truth.True).Should().Be(seen.Contains(id), $"{because} row {id}: {bound[i].Predicate.Text}");
                bound[i].Predicate.Columns.Should().BeSubsetOf(policy.Columns, because);
            }
        }
    }

    private sealed class Counts
    {
        public int Compared { get; private set; }

        public int Visible { get; private set; }

        public int Reduced { get; private set; }

        public int Failed { get; set; }

        public int Asked { get; set; }

        public int Decided { get; set; }

        public void Add(TablePolicy policy, int visible)
        {
            Compared++;
            Visible += visible;
            Reduced += policy.IsReducible ? 1 : 0;
        }

        public override string ToString() => $"{Compared} compared, {Visible} rows visible, {Reduced} wholly reduced, {Decided} rows decided in memory, {Asked} asked, {Failed} selects failed";
    }
}
