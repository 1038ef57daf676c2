using Serverless.Bench;

// Each measures one thing, prints lines to read, and last of all one line of JSON.
var benches = new SortedDictionary<string, Func<Task>>(StringComparer.Ordinal)
{
    ["match"] = MatchBench.RunAsync,
    ["policies"] = PoliciesBench.RunAsync,
};

if (args is [var name] && benches.TryGetValue(name, out var bench))
{
    await bench();
    return 0;
}

Console.Error.WriteLine($"Name one measurement: {string.Join(", ", benches.Keys)}.");
return 2;
