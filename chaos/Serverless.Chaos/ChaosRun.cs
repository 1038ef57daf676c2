using Npgsql;

namespace Serverless.Chaos;

/// <summary>One run: everything is started, written to and broken; then it drains and is judged.</summary>
internal sealed class ChaosRun(Settings settings)
{
    private static readonly TimeSpan _drain = TimeSpan.FromSeconds(60);

    /// <summary>Whether nothing was lost, repeated, forbidden or out of order.</summary>
    public async Task<bool> RunAsync()
    {
        await using var postgres = new PostgresServer(settings);
        await postgres.StartAsync();
        using var service = new Service(settings, postgres);
        await service.StartAsync();
        await using var database = NpgsqlDataSource.Create(postgres.ConnectionString);
        await Schema.CreateAsync(database);

        var subscribers = Enumerable.Range(0, Settings.Subscribers).Select(number => new Subscriber(number, service, database, Chance(1000 + number))).ToList();
        using var stopReading = new CancellationTokenSource();
        var reading = subscribers.ConvertAll(subscriber => subscriber.RunAsync(stopReading.Token));
        await Wait.UntilAsync("everybody has joined", TimeSpan.FromSeconds(90), () => Task.FromResult(subscribers.All(subscriber => subscriber.IsSettled)));

        using var stopWriting = new CancellationTokenSource();
        var writers = Enumerable.Range(0, Settings.Writers).Select(number => new Writer(database, Chance(2000 + number))).ToList();
        var writing = writers.ConvertAll(writer => writer.RunAsync(stopWriting.Token));
        var trouble = new Trouble(settings, service, postgres, subscribers, database, Chance(0));
        await trouble.RunAsync(TimeSpan.FromMinutes(settings.Minutes));
        await stopWriting.CancelAsync();
        await Task.WhenAll(writing);

        Console.WriteLine($"Writers have stopped, after {writers.Sum(writer => writer.Failures)} failures; draining.");
        var truths = await TruthsAsync(database, subscribers);
        await DrainAsync(subscribers, truths);
        await stopReading.CancelAsync();
        await Task.WhenAll(reading).WaitAsync(TimeSpan.FromSeconds(60));
        return await JudgeAsync(database, postgres, subscribers, truths, trouble);
    }

    // A seed of its own for each part, so that what one draws does not depend on how the others are timed.
    private Random Chance(int part) => new(unchecked((settings.Seed * 100_003) + part));

    private static async Task<Dictionary<Entry, Dictionary<int, long>>> TruthsAsync(NpgsqlDataSource database, IEnumerable<Subscriber> subscribers)
    {
        var truths = new Dictionary<Entry, Dictionary<int, long>>();
        foreach (var entry in subscribers.SelectMany(subscriber => subscriber.Entries))
        {
            truths[entry] = (await Snapshot.TakeAsync(database, entry.Wish, entry.Owner, CancellationToken.None)).Rows;
        }

        return truths;
    }

    private static async Task DrainAsync(List<Subscriber> subscribers, Dictionary<Entry, Dictionary<int, long>> truths)
    {
        var began = TimeProvider.System.GetTimestamp();
        try
        {
            await Wait.UntilAsync("all views are what SQL says", _drain, () => Task.FromResult(
                subscribers.All(subscriber => subscriber.IsSettled && subscriber.Entries.All(entry => entry.Differences(truths[entry]) == 0))));
            // What is in the view by a later change may still be told by an earlier one that is a repeat; it would come now.
            await Wait.ForAsync(3);
        }
        catch (TimeoutException ex)
        {
            Console.WriteLine(ex.Message);
        }

        Console.WriteLine($"Drained for {TimeProvider.System.GetElapsedTime(began).TotalSeconds:F0} seconds.");
    }

    private async Task<bool> JudgeAsync(
        NpgsqlDataSource database, PostgresServer postgres, List<Subscriber> subscribers, Dictionary<Entry, Dictionary<int, long>> truths, Trouble trouble)
    {
        var changes = await Change.ReadAllAsync(database);
        var verdict = new Verdict();
        for (var number = 0; number < subscribers.Count; number++)
        {
            foreach (var entry in subscribers[number].Entries)
            {
                verdict.Judge(entry, $"subscriber {number}", changes, truths[entry]);
            }
        }

        verdict.JudgeGaps(subscribers.SelectMany(subscriber => subscriber.Gaps), postgres.Crashes);
        foreach (var note in subscribers.SelectMany(subscriber => subscriber.Notes).GroupBy(note => note.Key, note => note.Value).OrderByDescending(note => note.Sum()).Take(12))
        {
            Console.WriteLine($"{note.Sum(),5} x {note.Key}");
        }

        Console.WriteLine(verdict.ToJson(settings, trouble, changes.Count, subscribers.Sum(subscriber => subscriber.Resumes)));
        return verdict.IsGood;
    }
}
