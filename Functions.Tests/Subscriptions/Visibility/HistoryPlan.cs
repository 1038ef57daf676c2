namespace Serverless.Subscriptions.Visibility;

/// <summary>All that decides a history but its timing: the seed of the table, its policies and first subscribers, and a seed for each step.</summary>
/// <remarks>A step adapts to whatever it finds, so any steps may be left out and the rest is still a history.</remarks>
internal sealed record HistoryPlan(int Seed, IReadOnlyList<int> Steps, int Subscribers)
{
    public static HistoryPlan Make(int seed)
    {
        var random = new Random(seed);
        return new HistoryPlan(seed, [.. Enumerable.Range(0, 6 + random.Next(14)).Select(_ => random.Next())], 3 + random.Next(4));
    }

    /// <summary>Smaller ones to try: without one half, quarter, eighth ... of the steps, and with fewer subscribers.</summary>
    public IEnumerable<HistoryPlan> Smaller()
    {
        for (var size = (Steps.Count + 1) / 2; size > 0; size /= 2)
        {
            for (var first = 0; first < Steps.Count; first += size)
            {
                yield return this with { Steps = [.. Steps.Take(first), .. Steps.Skip(first + size)] };
            }
        }

        if (Subscribers > 1)
        {
            yield return this with { Subscribers = Subscribers - 1 };
        }
    }
}
