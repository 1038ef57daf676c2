using System.Diagnostics;
using System.Globalization;
using System.Text;
using Serverless.Support;

namespace Serverless.Subscriptions.Visibility;

/// <summary>
/// Promise 2 as a property: over random tables, policies, claims, filters and histories, nobody is sent a byte that PostgreSQL would not show them, and nobody misses
/// one that it would.
/// </summary>
/// <remarks>
/// A failure names its seed; <c>REALTIME_TEST_SEED</c> runs that history alone. With <c>REALTIME_TEST_FULL=1</c> there are 10,000.
/// That it can fail is shown by hand. Each of these, planted one at a time, makes the short run fail within a hundred histories:
/// <c>serverless_realtime.ask_policy</c> setting the first claim set for all of them, as one statement for several would compute <c>(select auth.uid())</c> once;
/// no looking, where policies are asked of PostgreSQL, for columns that the image lacks (in <c>BoundGroup.Sees</c> and <c>PolicyImages.Add</c>);
/// <c>fresh</c> in <c>ask_policy</c> false, so that a plan with one subscriber's claims serves others; error 400 decided by what identifies rows in the log;
/// <c>PolicyClaims.TellApart</c> saying no for policies that could not be reduced, so that a group is wider than what was judged.
/// </remarks>
public sealed class VisibilityTests : IAsyncLifetime
{
    private const int Stages = 4;
    private const int ShortRun = 200;
    private const int FullRun = 10_000;
    private const int HistoriesInAPart = 400;
    private const int FirstSeed = 20_260_301;
    private const int TriesToShrink = 60;

    private static readonly TimeSpan _timeToShrink = TimeSpan.FromMinutes(1);

    private readonly List<Stage> _stages = [];
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;
    private int _names;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(Oracle.Setup());
        for (var i = 0; i < Stages; i++)
        {
            _stages.Add(await Stage.CreateAsync(_database, _app, i));
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var stage in _stages)
        {
            await stage.DisposeAsync();
        }

        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>First seed and number of histories; in parts, so that each has an app and a database of its own and none looks as if it hung.</summary>
    public static TheoryData<int, int> Parts
    {
        get
        {
            var parts = new TheoryData<int, int>();
            if (Environment.GetEnvironmentVariable("REALTIME_TEST_SEED") is { } seed)
            {
                parts.Add(int.Parse(seed, CultureInfo.InvariantCulture), 1);
            }
            else if (Environment.GetEnvironmentVariable("REALTIME_TEST_FULL") != "1")
            {
                parts.Add(FirstSeed, ShortRun);
            }
            else
            {
                for (var first = FirstSeed; first < FirstSeed + FullRun; first += HistoriesInAPart)
                {
                    parts.Add(first, HistoriesInAPart);
                }
            }

            return parts;
        }
    }

    [Theory]
    [MemberData(nameof(Parts))]
    public async Task Everybody_is_sent_exactly_what_they_may_see(int firstSeed, int histories)
    {
        var failure = await RunAsync(new Queue<int>(Enumerable.Range(firstSeed, histories)));
        if (failure is not null)
        {
            Assert.Fail(await ShrinkAsync(failure));
        }

        _app.Logs.Entries.Where(entry => entry.Id.Id == 6001).Should().BeEmpty("no batch needs a second try");
    }

    private async Task<Failure?> RunAsync(Queue<int> seeds)
    {
        Failure? failure = null;
        await Task.WhenAll(_stages.Select(async stage =>
        {
            while (true)
            {
                int seed;
                lock (seeds)
                {
                    if (failure is not null || !seeds.TryDequeue(out seed))
                    {
                        return;
                    }
                }

                failure = await TryAsync(stage, HistoryPlan.Make(seed)) ?? failure;
            }
        }));
        return failure;
    }

    private async Task<Failure?> TryAsync(Stage stage, HistoryPlan plan)
    {
        var history = new History(stage, plan, string.Create(CultureInfo.InvariantCulture, $"h{Interlocked.Increment(ref _names)}"));
        try
        {
            var wrong = await history.RunAsync();
            return wrong.Count == 0 ? null : new Failure(stage, plan, history, wrong);
        }
        catch (Exception ex) when (ex is not OutOfMemoryException)
        {
            return new Failure(stage, plan, history, [ex.ToString()]);
        }
    }

    // Timing is part of a failure, so a smaller history that passes once proves nothing; it is merely not taken.
    private async Task<string> ShrinkAsync(Failure failure)
    {
        var tries = 0;
        var began = Stopwatch.GetTimestamp();
        for (var smaller = true; smaller && tries < TriesToShrink;)
        {
            smaller = false;
            foreach (var plan in failure.Plan.Smaller().Take(TriesToShrink - tries).TakeWhile(_ => Stopwatch.GetElapsedTime(began) < _timeToShrink))
            {
                tries++;
                if (await TryAsync(failure.Stage, plan) is { } again)
                {
                    failure = again;
                    smaller = true;
                    break;
                }
            }
        }

        return failure.Describe(_app.Logs.Warnings);
    }

    private sealed record Failure(Stage Stage, HistoryPlan Plan, History History, IReadOnlyList<string> Wrong)
    {
        public string Describe(IEnumerable<string> warnings)
        {
            var text = new StringBuilder();
            text.AppendLine(CultureInfo.InvariantCulture, $"Seed {Plan.Seed}, shrunk to {Plan.Steps.Count} steps and {Plan.Subscribers} subscribers:");
            text.AppendLine(CultureInfo.InvariantCulture, $"-- replica identity {History.Table.Identity}\n{History.Table.Create(History.Stage.Schema)}");
            foreach (var line in History.Transcript)
            {
                text.AppendLine(line);
            }

            text.AppendLine("What is wrong:");
            foreach (var wrong in Wrong.Take(10))
            {
                text.AppendLine(wrong);
            }

            text.AppendLine("What the app said:");
            foreach (var warning in warnings.Take(5))
            {
                text.AppendLine(warning);
            }

            return text.Replace(new string('x', RandomTable.ToastedLength), "...").ToString();
        }
    }
}
