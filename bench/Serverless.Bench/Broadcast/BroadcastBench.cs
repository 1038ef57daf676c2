using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serverless.Bench.Broadcast;

/// <summary>
/// Messages to one topic with many connections, through the broadcast function and the embedded SignalR service, beside an empty ASP.NET Core SignalR hub under the same load.
/// </summary>
/// <remarks>
/// Three processes: the service or the hub, the load, and this one, which starts them one after the other and judges. Two rounds of each, in turn, and of each the better one counts,
/// so that what else the machine does at one moment does not decide.
/// </remarks>
internal static class BroadcastBench
{
    private const int Rounds = 2;

    public static async Task RunAsync()
    {
        Console.WriteLine($"{Environment.ProcessorCount} cores for the server and the load; load average before: {(await File.ReadAllTextAsync("/proc/loadavg")).Trim()}");
        Console.WriteLine($"{"",-12}{"deliveries/s",14}{"p50 ms",10}{"p99 ms",10}{"most ms",10}{"lost",8}{"server cpu s",14}");
        var ours = new List<LoadResult>();
        var bare = new List<LoadResult>();
        for (var round = 0; round < Rounds; round++)
        {
            bare.Add(await MeasureAsync("bare hub", ServerProcess.StartHubAsync, LoadTarget.Hub));
            ours.Add(await MeasureAsync("service", ServerProcess.StartAppAsync, LoadTarget.Service));
        }

        var (mine, reference) = (ours.MinBy(result => result.P99)!, bare.MinBy(result => result.P99)!);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"p99 {mine.P99 / reference.P99:N2} times the bare hub's, p50 {mine.P50 / reference.P50:N2} times, processor time of the server {mine.ServerSeconds / reference.ServerSeconds:N2} times"));
        var line = new JsonObject
        {
            ["bench"] = "broadcast",
            ["deliveries_per_s"] = Math.Round(mine.PerSecond),
            ["p50_ms"] = Math.Round(mine.P50, 2),
            ["p99_ms"] = Math.Round(mine.P99, 2),
            ["lost"] = ours.Sum(result => result.Lost),
            ["bare_hub"] = new JsonObject
            {
                ["deliveries_per_s"] = Math.Round(reference.PerSecond), ["p50_ms"] = Math.Round(reference.P50, 2), ["p99_ms"] = Math.Round(reference.P99, 2),
            },
        };
        Console.WriteLine(line.ToJsonString());
    }

    private static async Task<LoadResult> MeasureAsync(string name, Func<Task<ServerProcess>> start, LoadTarget target)
    {
        await using var server = await start();
        var text = await BenchProcess.RunAsync("load", target.ToString(), server.Url.ToString(), server.Key ?? "-");
        var measured = JsonSerializer.Deserialize<LoadResult>(text.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
        var result = measured with { ServerSeconds = server.ProcessorTime.TotalSeconds };
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-12}{result.PerSecond,14:N0}{result.P50,10:N2}{result.P99,10:N2}{result.Most,10:N2}{result.Lost,8}{result.ServerSeconds,14:N1}"));
        return result;
    }
}
