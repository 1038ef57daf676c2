using System.Net.Http.Headers;
using Microsoft.Extensions.Options;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR;

/// <summary>Posts events to the configured upstream, as Azure SignalR does to an app.</summary>
/// <remarks>
/// Source of headers, bodies and the meaning of the answer: Azure SignalR's documentation of upstream endpoints. An answer outside 2xx to
/// <c>connected</c> refuses the connection, which is closed; an upstream that cannot be reached refuses nothing.
/// </remarks>
internal sealed partial class UpstreamEvents(
    IOptions<EmbeddedSignalROptions> options,
    IOptions<DeliveryOptions> delivery,
    ClientConnections connections,
    TimeProvider time,
    ILogger<UpstreamEvents> logger) : IDisposable
{
    private const string Category = "connections";

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        AllowAutoRedirect = false,
        UseCookies = false,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    public async Task PostAsync(ConnectionEvent happened, CancellationToken cancellationToken)
    {
        if (options.Value is not { Upstream: { } template, AccessKey: { } accessKey })
        {
            return;
        }

        using var limit = new CancellationTokenSource(options.Value.UpstreamTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var request = Request(Fill(template, delivery.Value.Hub, happened.Name), accessKey, happened);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        Log.Refused(logger, happened.Name, happened.ConnectionId, (int)response.StatusCode);
        if (happened.IsConnected)
        {
            connections.Find(happened.ConnectionId)?.Close("The app refused the connection.");
        }
    }

    /// <summary>The URL for an event; for any event it is valid or none is.</summary>
    public static string Fill(string template, string hub, string @event) =>
        template
            .Replace("{hub}", Uri.EscapeDataString(hub), StringComparison.Ordinal)
            .Replace("{category}", Category, StringComparison.Ordinal)
            .Replace("{event}", @event, StringComparison.Ordinal);

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(string url, string accessKey, ConnectionEvent happened)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url);
        request.Headers.Add("X-ASRS-Hub", delivery.Value.Hub);
        request.Headers.Add("X-ASRS-Category", Category);
        request.Headers.Add("X-ASRS-Event", happened.Name);
        request.Headers.Add("X-ASRS-Connection-Id", happened.ConnectionId);
        request.Headers.Add("X-ASRS-Signature", UpstreamSignature.Compute(accessKey, happened.ConnectionId));
        request.Headers.Add("X-ASRS-Client-Query", $"hub={Uri.EscapeDataString(delivery.Value.Hub)}");
        if (happened.UserId is { } user)
        {
            request.Headers.Add("X-ASRS-User-Id", user);
            request.Headers.Add("X-ASRS-User-Claims", $"asrs.s.uid: {user}");
        }

        request.Content = new ByteArrayContent(happened.IsConnected ? """{"type":10}"""u8.ToArray() : """{"type":11,"error":null}"""u8.ToArray());
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        return request;
    }

    private static partial class Log
    {
        [LoggerMessage(4505, LogLevel.Warning, "The upstream answered the event '{Event}' of client '{ConnectionId}' with {Status}.")]
        public static partial void Refused(ILogger logger, string @event, string connectionId, int status);
    }
}
