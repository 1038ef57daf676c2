using Serverless.Bench;
using Serverless.Bench.Broadcast;

// The processes that a measurement starts of itself.
switch (args)
{
    case ["serve-app", var connectionString, var slot, var secret]:
        await Servers.ServeAppAsync(connectionString, slot, secret);
        return 0;
    case ["serve-hub"]:
        await Servers.ServeHubAsync();
        return 0;
    case ["load", var target, var url, var key]:
        await LoadGenerator.RunAsync(Enum.Parse<LoadTarget>(target), new Uri(url), key);
        return 0;
}

// Each measures one thing, prints lines to read, and last of all one line of JSON.
var benches = new SortedDictionary<string, Func<Task>>(StringComparer.Ordinal)
{
    ["broadcast"] = BroadcastBench.RunAsync,
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
