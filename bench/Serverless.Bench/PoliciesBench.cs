using System.Globalization;
using System.Text.Json;

namespace Serverless.Bench;

/// <summary>
/// Row changes a second through the whole pipeline, from the write-ahead log to the delivery interface, with row-level security on and subscribers of whom one sees
/// each row.
/// </summary>
internal static class PoliciesBench
{
    /// <summary>Names one case to be measured alone.</summary>
    private const string OnlyVariable = "BENCH_ONLY";

    private const int Runs = 3;
    private const int MostRows = 60_000;

    private static readonly int[] _sizes = [1, 100, 1_000, 10_000];
    private static readonly TimeSpan _warmUp = TimeSpan.FromSeconds(0.6);
    private static readonly TimeSpan _run = TimeSpan.FromSeconds(1.2);

    public static async Task RunAsync()
    {
        var only = Environment.GetEnvironmentVariable(OnlyVariable);
        Console.WriteLine($"{Environment.ProcessorCount} cores for PostgreSQL, its writer and the app; load average before: {await LoadAsync()}");
        Console.WriteLine($"{"",-22}{"subscribers",12}{"rows/s",10}{"(of 3: least, most)",22}{"rows a run",12}{"app us",10}{"registered/s",14}{"loaded/s",12}");
        var results = new Dictionary<string, Dictionary<string, double>>();
        foreach (var policy in PolicyCase.All.Where(policy => only is null || policy.Name == only))
        {
            results.Add(policy.Name, await MeasureAsync(policy));
        }

        Console.WriteLine($"load average after: {await LoadAsync()}");
        Console.WriteLine(JsonSerializer.Serialize(new { bench = "policies", rows_per_s = results }));
    }

    private static async Task<Dictionary<string, double>> MeasureAsync(PolicyCase policy)
    {
        var results = new Dictionary<string, double>();
        await using var pipeline = await PolicyPipeline.StartAsync(policy);
        var before = 0;
        foreach (var size in _sizes)
        {
            var (registering, loading) = await pipeline.GrowAsync(size);
            var rows = await WarmUpAsync(pipeline);
            var rates = new List<double>();
            var worked = Environment.CpuUsage.TotalTime;
            for (var run = 0; run < Runs; run++)
            {
                rates.Add(rows / (await pipeline.WriteAsync(rows)).TotalSeconds);
            }

            worked = Environment.CpuUsage.TotalTime - worked;
            rates.Sort();
            results.Add(size.ToString(CultureInfo.InvariantCulture), Math.Round(rates[Runs / 2]));
            Console.WriteLine(
                $"{policy.Name,-22}{size,12:N0}{rates[Runs / 2],10:N0}{$"({rates[0]:N0}, {rates[^1]:N0})",22}{rows,12:N0}{worked.TotalMicroseconds / rows / Runs,10:N1}"
                + $"{(size - before) / registering.TotalSeconds,14:N0}{(size - before) / loading.TotalSeconds,12:N0}");
            before = size;
        }

        return results;
    }

    /// <summary>Lets the compiler see every path, and finds how many rows a run may have.</summary>
    private static async Task<int> WarmUpAsync(PolicyPipeline pipeline)
    {
        var rows = 10;
        while (true)
        {
            var elapsed = await pipeline.WriteAsync(rows);
            if (elapsed >= _warmUp || rows == MostRows)
            {
                return Math.Clamp((int)(rows * (_run / elapsed)), 10, MostRows);
            }

            rows = (int)Math.Min(MostRows, rows * Math.Clamp(_warmUp / elapsed * 1.2, 1.5, 10));
        }
    }

    private static async Task<string> LoadAsync() => (await File.ReadAllTextAsync("/proc/loadavg")).Split(' ')[0];
}
