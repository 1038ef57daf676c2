using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

public sealed class PredicateIndexConcurrencyTests
{
    private const int Changes = 20_000;

    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task What_stays_is_found_once_by_every_thread_while_others_come_and_go()
    {
        var index = new PredicateIndex<Entry>();
        var staying = new MatchingSamples(1);
        var stay = Enumerable.Range(0, 200).Select(_ => (Entry: new Entry(), Predicate: staying.Predicate())).ToList();
        stay.ForEach(pair => index.Add(pair.Entry, pair.Predicate));
        using var done = new CancellationTokenSource();

        var matching = Enumerable.Range(2, 2).Select(seed => Task.Run(() => MatchUntil(index, stay, new MatchingSamples(seed), done.Token))).ToList();
        var changing = Enumerable.Range(4, 2).Select(seed => Task.Run(() => Change(index, stay, new MatchingSamples(seed)))).ToList();
        await Task.WhenAll(changing).WaitAsync(_limit);
        await done.CancelAsync();
        await Task.WhenAll(matching).WaitAsync(_limit);

        index.Count.Should().Be(stay.Count);
    }

    // Half of what comes shares a predicate with what stays, so that the same buckets and the same nodes change.
    private static void Change(PredicateIndex<Entry> index, List<(Entry Entry, Predicate Predicate)> stay, MatchingSamples samples)
    {
        var there = new List<(Entry Entry, Predicate Predicate)>();
        for (var i = 0; i < Changes; i++)
        {
            var pair = (new Entry(), samples.Next(2) > 0 ? samples.Predicate() : stay[samples.Next(stay.Count)].Predicate);
            index.Add(pair.Item1, pair.Item2);
            there.Add(pair);
            if (there.Count > 100)
            {
                var gone = there[samples.Next(there.Count)];
                index.Remove(gone.Entry, gone.Predicate);
                there.Remove(gone);
            }
        }

        there.ForEach(pair => index.Remove(pair.Entry, pair.Predicate));
    }

    private static void MatchUntil(PredicateIndex<Entry> index, List<(Entry Entry, Predicate Predicate)> stay, MatchingSamples samples, CancellationToken done)
    {
        var found = new List<(Entry Entry, Truth Truth)>();
        while (!done.IsCancellationRequested)
        {
            var image = samples.Image();
            found.Clear();
            index.Match(image, found);

            var distinct = found.ToHashSet();
            distinct.Count.Should().Be(found.Count);
            Wanted(stay, image).Should().OnlyContain(match => distinct.Contains(match));
        }
    }

    private static List<(Entry Entry, Truth Truth)> Wanted(List<(Entry Entry, Predicate Predicate)> stay, RowImage image) =>
    [
        .. stay.Where(pair => pair.Predicate.CanJudge(image))
            .Select(pair => (pair.Entry, Truth: pair.Predicate.Select(image)))
            .Where(match => match.Truth is Truth.True or Truth.Ask),
    ];
}
