using System.Globalization;
using System.Text.Json;

namespace Serverless.Bench;

/// <summary>What the matcher alone costs for one change that one subscription wants, from one subscription to a million.</summary>
internal static class MatchBench
{
    private const int Most = 1_000_000;

    private static readonly int[] _sizes = [1, 1_000, 10_000, 100_000, Most];

    public static Task RunAsync()
    {
        Console.WriteLine($"ns per change, one match, {Environment.ProcessorCount} cores; image of {MatchedRows.Relation.Columns.Count} columns read anew (in brackets: read before)");
        Console.WriteLine($"{"",-10}{string.Concat(_sizes.Select(size => $"{size,16:N0}"))}{"growth",10}{"bytes each",12}");
        MatchShape.All.ForEach(WarmUp);
        var results = MatchShape.All.ConvertAll(Measure);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            bench = "match",
            ns = results.Where(result => result.Shape.IsReported).ToDictionary(
                result => result.Shape.Name,
                result => result.Costs.ToDictionary(cost => cost.Subscriptions.ToString(CultureInfo.InvariantCulture), cost => Math.Round(cost.Ns))),
            growth_1k_to_1M = Math.Round(results.Where(result => result.Shape.IsReported).Max(result => result.Growth), 2),
            bytes_per_subscription = results[0].Costs[^1].BytesEach,
        }));
        return Task.CompletedTask;
    }

    // Lets the compiler see every path before the first figure.
    private static void WarmUp(MatchShape shape) => MatchCost.Measure(shape, 1_000, batches: 500);

    private static MatchResult Measure(MatchShape shape)
    {
        var result = new MatchResult(shape, [.. _sizes.Select(size => MatchCost.Measure(shape, size, batches: 400))]);
        var cells = string.Concat(result.Costs.Select(cost => $"{$"{cost.Ns:F0} ({cost.NsRead:F0})",16}"));
        Console.WriteLine($"{shape.Name,-10}{cells}{result.Growth,10:F2}{result.Costs[^1].BytesEach,12}");
        return result;
    }

    private sealed record MatchResult(MatchShape Shape, IReadOnlyList<MatchCost> Costs)
    {
        public double Growth => Costs[^1].Ns / Costs.Single(cost => cost.Subscriptions == 1_000).Ns;
    }
}
