using System.Diagnostics;
using Serverless.Changes;
using Serverless.Subscriptions;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Matching;

namespace Serverless.Bench;

/// <summary>What one change costs among so many subscriptions, each a group of its own.</summary>
/// <param name="Ns">With reading the row's JSON.</param>
/// <param name="NsRead">Without.</param>
/// <param name="BytesEach">Memory of the index with its groups and predicates, divided by the subscriptions.</param>
internal sealed record MatchCost(int Subscriptions, double Ns, double NsRead, long BytesEach)
{
    private const int BatchSize = 256;

    /// <summary>The medians over batches. Each batch has other rows, made before the clock starts, so that the index is met as cold as its size makes it.</summary>
    public static MatchCost Measure(MatchShape shape, int subscriptions, int batches)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var index = Fill(shape, subscriptions);
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / subscriptions;

        var random = new Random(subscriptions);
        var unread = new List<double>();
        var read = new List<double>();
        for (var batch = 0; batch < batches; batch++)
        {
            unread.Add(Time(index, Rows(shape, subscriptions, random)));
            var rows = Rows(shape, subscriptions, random);
            Array.ForEach(rows, row => row.Has(0));
            read.Add(Time(index, rows));
        }

        return new MatchCost(subscriptions, Median(unread), Median(read), bytes);
    }

    private static RowImage[] Rows(MatchShape shape, int subscriptions, Random random) =>
        [.. Enumerable.Range(0, BatchSize).Select(_ => shape.RowFor(random.Next(subscriptions)))];

    private static PredicateIndex<SubscriberGroup> Fill(MatchShape shape, int subscriptions)
    {
        var index = new PredicateIndex<SubscriberGroup>();
        for (var i = 0; i < subscriptions; i++)
        {
            var definition = new GroupDefinition { Schema = "public", Table = "orders", Event = SubscriptionEvent.All, Role = "authenticated" };
            index.Add(new SubscriberGroup(i, i, definition, claims: null) { Members = 1 }, shape.PredicateOf(i));
        }

        return index;
    }

    private static double Time(PredicateIndex<SubscriberGroup> index, RowImage[] rows)
    {
        var matched = new List<(SubscriberGroup Group, Truth Truth)>();
        var matches = 0;
        var start = Stopwatch.GetTimestamp();
        foreach (var row in rows)
        {
            matched.Clear();
            index.Match(row, matched);
            matches += matched.Count;
        }

        var elapsed = Stopwatch.GetElapsedTime(start);
        return matches == rows.Length
            ? elapsed.TotalNanoseconds / rows.Length
            : throw new InvalidOperationException($"{rows.Length} rows had {matches} matches, and each was made to have one.");
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
