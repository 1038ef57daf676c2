using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Serverless.Bench.Broadcast;

/// <summary>The load: connections that listen, and one sender that keeps to its clock whether or not the server keeps up.</summary>
internal sealed class LoadGenerator : IDisposable
{
    private const int Connections = 1_000;
    private const int PerSecond = 50;
    private const int WarmUp = 3 * PerSecond;
    private const int Measured = 20 * PerSecond;
    private const string Topic = "load";

    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _lag = TimeSpan.FromSeconds(10);

    private readonly List<LoadSocket> _sockets = [];
    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) });
    private readonly long[] _times = new long[Connections * (Measured + WarmUp)];
    private readonly TaskCompletionSource _all = new();
    private long _received;
    private long _first = long.MaxValue;

    /// <summary>Runs the load and writes a <see cref="LoadResult"/>.</summary>
    public static async Task RunAsync(LoadTarget target, Uri url, string key)
    {
        using var limit = new CancellationTokenSource(_limit);
        using var load = new LoadGenerator();
        var send = target == LoadTarget.Hub ? await load.ConnectToHubAsync(url, limit.Token) : await load.ConnectToServiceAsync(url, key, limit.Token);
        Console.WriteLine(JsonSerializer.Serialize(await load.MeasureAsync(send, limit.Token)));
    }

    public void Dispose()
    {
        _sockets.ForEach(socket => socket.Dispose());
        _http.Dispose();
    }

    private async Task<Func<string, Task>> ConnectToHubAsync(Uri url, CancellationToken cancellationToken)
    {
        var hub = new UriBuilder(url) { Scheme = "ws", Path = Servers.HubPath }.Uri;
        await ForEachAsync(async token => await OpenAsync(hub, accessToken: null, token), cancellationToken);
        var sender = new LoadSocket();
        await sender.ConnectAsync(hub, accessToken: null, cancellationToken);
        return async message => await sender.SendAsync(
            Encoding.UTF8.GetBytes($"{{\"type\":1,\"target\":\"{Servers.HubMethod}\",\"arguments\":[{message}]}}\u001e"), cancellationToken);
    }

    private async Task<Func<string, Task>> ConnectToServiceAsync(Uri url, string key, CancellationToken cancellationToken)
    {
        _http.BaseAddress = url;
        _http.DefaultRequestHeaders.Add("apikey", key);
        await ForEachAsync(JoinAsync, cancellationToken);
        return async message =>
        {
            using var content = new StringContent($"{{\"messages\":[{{\"topic\":\"{Topic}\",\"event\":\"e\",\"payload\":{message}}}]}}", Encoding.UTF8, "application/json");
            using var response = await _http.PostAsync("/realtime/v1/api/broadcast", content, cancellationToken);
            response.EnsureSuccessStatusCode();
        };
    }

    private async Task JoinAsync(CancellationToken cancellationToken)
    {
        using var negotiating = await _http.PostAsync("/realtime/v1/negotiate", content: null, cancellationToken);
        var negotiated = await negotiating.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        var client = new UriBuilder(negotiated.GetProperty("url").GetString()!) { Scheme = "ws" }.Uri;
        await OpenAsync(client, negotiated.GetProperty("accessToken").GetString(), cancellationToken);
        using var join = new HttpRequestMessage(HttpMethod.Post, "/realtime/v1/channels/join") { Content = JsonContent.Create(new { topic = Topic }) };
        join.Headers.Add("x-realtime-session", negotiated.GetProperty("sessionToken").GetString());
        using var joined = await _http.SendAsync(join, cancellationToken);
        joined.EnsureSuccessStatusCode();
    }

    private async Task OpenAsync(Uri url, string? accessToken, CancellationToken cancellationToken)
    {
        var socket = new LoadSocket();
        await socket.ConnectAsync(url, accessToken, cancellationToken);
        lock (_sockets)
        {
            _sockets.Add(socket);
        }
    }

    private async Task<LoadResult> MeasureAsync(Func<string, Task> send, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var listening = _sockets.Select(socket => ListenAsync(socket, end.Token)).ToList();
        var sends = new List<Task>();
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < WarmUp + Measured; i++)
        {
            var due = TimeSpan.FromSeconds((double)i / PerSecond) - Stopwatch.GetElapsedTime(began);
            if (due > TimeSpan.Zero)
            {
                await Task.Delay(due, TimeProvider.System, cancellationToken);
            }

            var now = Stopwatch.GetTimestamp();
            _first = i == WarmUp ? now : _first;
            sends.Add(send(string.Create(CultureInfo.InvariantCulture, $"{{\"sent\":{now},\"text\":\"a message of an ordinary length, as a chat or a cursor would send it\"}}")));
        }

        await Task.WhenAll(sends);
        await Task.WhenAny(_all.Task, Task.Delay(_lag, TimeProvider.System, cancellationToken));
        var last = Stopwatch.GetTimestamp();
        await end.CancelAsync();
        await Task.WhenAll(listening);
        return ResultOf(last);
    }

    private async Task ListenAsync(LoadSocket socket, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await socket.ReadAsync(Receive, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The measurement is over.
        }
    }

    private void Receive(long sent)
    {
        var place = Interlocked.Increment(ref _received) - 1;
        var took = Stopwatch.GetTimestamp() - sent;
        if (place < _times.Length)
        {
            // Those of the warm-up are kept apart by their sign.
            _times[place] = sent >= Volatile.Read(ref _first) ? took : -took;
        }

        if (place == _times.Length - 1)
        {
            _all.TrySetResult();
        }
    }

    private LoadResult ResultOf(long last)
    {
        var times = _times.Take((int)Math.Min(_received, _times.Length)).Where(time => time > 0).Order().ToArray();
        var seconds = Stopwatch.GetElapsedTime(_first, last).TotalSeconds;
        return new LoadResult(times.Length / seconds, At(times, 0.5), At(times, 0.99), At(times, 1), _times.Length - _received);
    }

    private static double At(long[] sorted, double share) =>
        sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))] * 1000.0 / Stopwatch.Frequency;

    private static Task ForEachAsync(Func<CancellationToken, Task> connect, CancellationToken cancellationToken) => Parallel.ForEachAsync(
        Enumerable.Range(0, Connections),
        new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = cancellationToken },
        async (_, token) => await connect(token));
}
