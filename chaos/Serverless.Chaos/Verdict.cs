using System.Text.Json;

namespace Serverless.Chaos;

/// <summary>What became of every change for every subscription, against what the database has noted.</summary>
internal sealed class Verdict
{
    public long Deliveries { get; private set; }

    /// <summary>Changes that should have come and did not, and rows that end up other than SQL says.</summary>
    public int Lost { get; private set; }

    /// <summary>Rows of a client's view that differ from SQL's at the end; <see cref="Lost"/> has them too.</summary>
    public int Different { get; private set; }

    public int Repeated { get; private set; }

    public int Forbidden { get; private set; }

    public int Disordered { get; private set; }

    public int Gaps { get; private set; }

    /// <summary>Gaps that nothing explains.</summary>
    public int WrongGaps { get; private set; }

    public bool IsGood => Lost == 0 && Repeated == 0 && Forbidden == 0 && Disordered == 0 && WrongGaps == 0;

    public void Judge(Entry entry, string who, IReadOnlyList<Change> changes, Dictionary<int, long> truth)
    {
        var mine = changes.Where(change => change.Table == entry.Wish.Table).ToList();
        var known = mine.ToDictionary(change => (change.Operation, change.Number));
        var missing = mine
            .Where(change => entry.MaySee(change.Judged) && entry.Snapshot?.Includes(change.Transaction) != true && !entry.Given.Contains((change.Operation, change.Number)))
            .OrderBy(change => change.Number).ToList();
        var wrong = entry.Given.Where(given => !known.TryGetValue(given, out var change) || !entry.MaySee(change.Judged)).ToList();
        var different = entry.Differences(truth);
        Deliveries += entry.Deliveries;
        Lost += missing.Count + different;
        Different += different;
        Repeated += entry.Repeated;
        Disordered += entry.Disordered;
        Forbidden += wrong.Count;
        if (missing.Count > 0 || wrong.Count > 0 || different > 0)
        {
            Console.WriteLine($"{who} {entry.Wish}: {missing.Count} lost, {different} rows differ, {wrong.Count} forbidden of {entry.Deliveries} deliveries");
            Show("lost", missing.Select(change => $"{change.Operation} {change.Number} (xid {change.Transaction})"));
            Show("differs", entry.Different(truth, 5).Select(row => $"row {row.Id} is {row.Had}, should be {row.Should}; it was {Story(entry, mine, row.Id)}"));
            Show("forbidden", wrong.Select(given => $"{given.Operation} {given.Number}"));
        }
    }

    /// <summary>Only a crash of PostgreSQL may empty the log, and nothing else may cause a gap: nobody is away for as long as the log is kept.</summary>
    public void JudgeGaps(IEnumerable<string> reasons, int crashes)
    {
        foreach (var group in reasons.GroupBy(reason => reason))
        {
            Console.WriteLine($"gaps: {group.Count()} {group.Key}");
            Gaps += group.Count();
            WrongGaps += group.Key == "LogEmptied" && crashes > 0 ? 0 : group.Count();
        }
    }

    /// <summary>The last line.</summary>
    public string ToJson(Settings settings, Trouble trouble, int changes, int resumes) => JsonSerializer.Serialize(new
    {
        seed = settings.Seed,
        minutes = settings.Minutes,
        kills = trouble.Counts,
        changes,
        deliveries = Deliveries,
        resumes,
        gaps = Gaps,
        wrongGaps = WrongGaps,
        lost = Lost,
        different = Different,
        repeated = Repeated,
        forbidden = Forbidden,
        disordered = Disordered,
    });

    // The last changes of a row, and what the subscription had of them.
    private static string Story(Entry entry, IEnumerable<Change> changes, int id) => string.Join(", ", changes.Where(change => change.Id == id).TakeLast(4).Select(change =>
        $"{change.Operation} {change.Number}"
        + (change.Old is { } old && entry.MaySee(old) ? " from sight" : "") + (change.New is { } now && entry.MaySee(now) ? " to sight" : "")
        + (entry.Given.Contains((change.Operation, change.Number)) ? " given" : "") + (entry.Snapshot?.Includes(change.Transaction) == true ? " in the reading" : "")));

    private static void Show(string what, IEnumerable<string> changes)
    {
        foreach (var change in changes.Take(5))
        {
            Console.WriteLine($"    {what}: {change}");
        }
    }
}
