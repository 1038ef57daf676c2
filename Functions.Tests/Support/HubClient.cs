using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Serverless.Support;

/// <summary>
/// A SignalR client on the wire: negotiates, connects a WebSocket, speaks the JSON hub protocol, answers pings, and keeps every invocation in the order
/// of arrival, one queue a target.
/// </summary>
public sealed class HubClient : IAsyncDisposable
{
    private const char RecordSeparator = '\u001e';

    private static readonly JsonDocumentOptions _documentOptions = new() { MaxDepth = 32_000 };
    private static readonly HttpClient _http = new();

    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<string, Channel<JsonElement[]>> _received = new(StringComparer.Ordinal);
    private readonly Channel<JsonElement> _completions = Channel.CreateUnbounded<JsonElement>();
    private readonly TaskCompletionSource<string?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _sending = new(1);
    private Task _receiving = Task.CompletedTask;

    private HubClient(string connectionId) => ConnectionId = connectionId;

    public string ConnectionId { get; }

    /// <summary>Ends with the connection: the service's reason, or null where it gave none.</summary>
    public Task<string?> Closed => _closed.Task;

    /// <param name="url">As negotiate answers it, with its <c>hub</c> query.</param>
    public static async Task<HubClient> ConnectAsync(Uri url, string accessToken)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var negotiated = await NegotiateAsync(url, accessToken, limit.Token);
        var client = new HubClient(negotiated.GetProperty("connectionId").GetString()!);
        try
        {
            await client.OpenAsync(url, accessToken, negotiated.GetProperty("connectionToken").GetString()!, limit.Token);
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>The next invocation of the target, in the order of arrival. Fails when none comes within the limit or the connection ends.</summary>
    public async Task<JsonElement[]> NextAsync(string target, TimeSpan limit)
    {
        using var cancellation = new CancellationTokenSource(limit);
        try
        {
            return await Of(target).Reader.ReadAsync(cancellation.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"No invocation of '{target}' came within {limit}.");
        }
        catch (ChannelClosedException)
        {
            throw new InvalidOperationException($"The connection ended while an invocation of '{target}' was awaited.");
        }
    }

    /// <summary>What has arrived of the target and was not read yet.</summary>
    public int Waiting(string target) => Of(target).Reader.Count;

    /// <summary>Invokes a method of the hub and returns the completion message.</summary>
    public async Task<JsonElement> InvokeAsync(string method, TimeSpan limit)
    {
        using var cancellation = new CancellationTokenSource(limit);
        await SendAsync($$"""{"type":1,"invocationId":"1","target":"{{method}}","arguments":[]}""", cancellation.Token);
        return await _completions.Reader.ReadAsync(cancellation.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _receiving;
        _socket.Dispose();
        _end.Dispose();
        _sending.Dispose();
    }

    private static async Task<JsonElement> NegotiateAsync(Uri url, string accessToken, CancellationToken cancellationToken)
    {
        var negotiate = new UriBuilder(url) { Path = url.AbsolutePath.TrimEnd('/') + "/negotiate" };
        negotiate.Query += "&negotiateVersion=1";
        using var request = new HttpRequestMessage(HttpMethod.Post, negotiate.Uri);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        using var response = await _http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
    }

    private async Task OpenAsync(Uri url, string accessToken, string connectionToken, CancellationToken cancellationToken)
    {
        var socketUrl = new UriBuilder(url) { Scheme = url.Scheme == Uri.UriSchemeHttps ? "wss" : "ws" };
        socketUrl.Query += $"&id={Uri.EscapeDataString(connectionToken)}&access_token={Uri.EscapeDataString(accessToken)}";
        await _socket.ConnectAsync(socketUrl.Uri, cancellationToken);
        await SendAsync("""{"protocol":"json","version":1}""", cancellationToken);

        var handshake = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _receiving = ReceiveAsync(handshake);
        if (await handshake.Task.WaitAsync(cancellationToken) is { } error)
        {
            throw new InvalidOperationException($"The service refused the handshake: {error}");
        }
    }

    private async Task SendAsync(string message, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(message + RecordSeparator), WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task ReceiveAsync(TaskCompletionSource<string?> handshake)
    {
        string? reason = null;
        try
        {
            await foreach (var message in MessagesAsync())
            {
                if (!handshake.Task.IsCompleted)
                {
                    handshake.SetResult(message.TryGetProperty("error", out var error) ? error.GetString() : null);
                }
                else if (await HandleAsync(message) is { } close)
                {
                    reason = close.TryGetProperty("error", out var error) ? error.GetString() : null;
                    break;
                }
            }
        }
        catch (Exception ex) when (ex is WebSocketException or OperationCanceledException)
        {
            // However the connection ends, it has ended.
        }
        finally
        {
            handshake.TrySetResult("the connection ended");
            _closed.TrySetResult(reason);
            foreach (var queue in _received.Values)
            {
                queue.Writer.TryComplete();
            }
        }
    }

    private async Task<JsonElement?> HandleAsync(JsonElement message)
    {
        switch (message.GetProperty("type").GetInt32())
        {
            case 1:
                var arguments = message.GetProperty("arguments").EnumerateArray().ToArray();
                Of(message.GetProperty("target").GetString()!).Writer.TryWrite(arguments);
                return null;
            case 3:
                _completions.Writer.TryWrite(message);
                return null;
            case 6:
                await SendAsync("""{"type":6}""", _end.Token);
                return null;
            case 7:
                return message;
            default:
                return null;
        }
    }

    private async IAsyncEnumerable<JsonElement> MessagesAsync()
    {
        var buffer = new byte[64 * 1024];
        var waiting = new MemoryStream();
        while (true)
        {
            var received = await _socket.ReceiveAsync(buffer.AsMemory(), _end.Token);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                yield break;
            }

            var rest = buffer.AsMemory(0, received.Count);
            while (rest.Span.IndexOf((byte)RecordSeparator) is var end and >= 0)
            {
                waiting.Write(rest.Span[..end]);
                yield return JsonElement.Parse(waiting.GetBuffer().AsSpan(0, (int)waiting.Length), _documentOptions);
                waiting.SetLength(0);
                rest = rest[(end + 1)..];
            }

            waiting.Write(rest.Span);
        }
    }

    private Channel<JsonElement[]> Of(string target) => _received.GetOrAdd(target, _ =>
    {
        var queue = Channel.CreateUnbounded<JsonElement[]>();
        if (_closed.Task.IsCompleted)
        {
            queue.Writer.Complete();
        }

        return queue;
    });
}
