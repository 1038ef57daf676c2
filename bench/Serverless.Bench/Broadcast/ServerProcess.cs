using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Buffers.Text;

namespace Serverless.Bench.Broadcast;

/// <summary>A server under measurement, in a process of its own.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly BenchDatabase? _database;

    private ServerProcess(Process process, BenchDatabase? database, Uri url, string? key) => (_process, _database, Url, Key) = (process, database, url, key);

    public Uri Url { get; }

    /// <summary>The API key that the service takes; null of the hub.</summary>
    public string? Key { get; }

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static async Task<ServerProcess> StartHubAsync()
    {
        var process = BenchProcess.Start("serve-hub");
        return new ServerProcess(process, database: null, await ReadUrlAsync(process), key: null);
    }

    public static async Task<ServerProcess> StartAppAsync()
    {
        var database = await BenchDatabase.CreateAsync();
        var secret = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));
        var process = BenchProcess.Start("serve-app", database.ConnectionString, database.Slot, secret);
        var url = await ReadUrlAsync(process);
        using var http = new HttpClient { BaseAddress = url };
        using var limit = new CancellationTokenSource(_limit);
        while (!(await http.GetAsync("/readyz", limit.Token)).IsSuccessStatusCode)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, limit.Token);
        }

        return new ServerProcess(process, database, url, KeyOf(secret));
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    private static async Task<Uri> ReadUrlAsync(Process process)
    {
        using var limit = new CancellationTokenSource(_limit);
        var line = await process.StandardOutput.ReadLineAsync(limit.Token);
        return new Uri(line ?? throw new InvalidOperationException("The server ended before it listened; its own lines say why."));
    }

    private static string KeyOf(string secret)
    {
        var expires = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeSeconds();
        var signed = $"{Part(new { alg = "HS256", typ = "JWT" })}.{Part(new { role = "service_role", exp = expires })}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Part(object part) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(part));
}
