using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Options;

namespace Serverless.Delivery.AzureSignalR;

/// <summary>
/// Makes calls to the data plane, version 2022-06-01: signed, bounded in number and time, tried again a few times where that may help.
/// </summary>
/// <remarks>
/// A try that times out may have been carried out all the same, so a message can arrive twice; row changes carry positions by which clients drop repeats.
/// A token is made for each try: signing takes microseconds, and a cache by URL would hold one for each group.
/// </remarks>
internal sealed partial class DataPlaneClient : IDisposable
{
    private const string ApiVersion = "?api-version=2022-06-01";

    private static readonly TimeSpan _tokenLifetime = TimeSpan.FromMinutes(5);

    private readonly string _serverEndpoint;
    private readonly AccessKeyTokens _tokens;
    private readonly AzureSignalROptions _options;
    private readonly RetryWaits _waits;
    private readonly TimeProvider _time;
    private readonly ILogger<DataPlaneClient> _logger;
    private readonly SemaphoreSlim _slots;
    private readonly HttpClient _http;

    public DataPlaneClient(
        SignalRConnection connection, IOptions<AzureSignalROptions> options, RetryWaits waits, TimeProvider time, ILogger<DataPlaneClient> logger)
    {
        _serverEndpoint = connection.ServerEndpoint;
        _tokens = new AccessKeyTokens(connection.AccessKey, time);
        _options = options.Value;
        _waits = waits;
        _time = time;
        _logger = logger;
        _slots = new SemaphoreSlim(_options.MaxConcurrentCalls);
        _http = new HttpClient(new SocketsHttpHandler
        {
            // Follow the service when its address changes.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxConnectionsPerServer = _options.MaxConcurrentCalls,
            AllowAutoRedirect = false,
            UseCookies = false,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <param name="path">Below the endpoint, escaped, from <c>/api</c> on.</param>
    /// <param name="query">Further query parameters, from <c>&amp;</c> on.</param>
    /// <param name="operation">What the call does, for errors: it follows the word "to".</param>
    /// <returns>Whether what the call is about exists: false on 404, which for a group or a user means that nobody is there.</returns>
    public async Task<bool> CallAsync(
        HttpMethod method, string path, string query, ReadOnlyMemory<byte>? body, string operation, CancellationToken cancellationToken)
    {
        var url = new Uri(_serverEndpoint + path + ApiVersion + query);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryAsync(method, url, body, operation, cancellationToken);
            }
            catch (DeliveryException ex) when (ex.Error == DeliveryError.Transient && attempt < _options.Attempts)
            {
                var wait = ex.RetryAfter ?? _waits.After(attempt, _options.RetryAfter);
                if (wait > _options.MaxRetryWait)
                {
                    throw;
                }

                Log.TryingAgain(_logger, operation, ex.Message, wait);
                await Task.Delay(wait, _time, cancellationToken);
            }
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _slots.Dispose();
    }

    private async Task<bool> TryAsync(HttpMethod method, Uri url, ReadOnlyMemory<byte>? body, string operation, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            using var limit = new CancellationTokenSource(_options.CallTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
            using var request = Request(method, url, body);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (response.IsSuccessStatusCode)
            {
                return true;
            }

            return response.StatusCode == HttpStatusCode.NotFound ? false : throw DataPlaneFailure.Classify(operation, response, _time);
        }
        catch (OperationCanceledException ex) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DeliveryException(
                DeliveryError.Transient, $"The SignalR service did not answer a call to {operation} within {_options.CallTimeout.TotalSeconds} s.", ex);
        }
        catch (HttpRequestException ex)
        {
            throw new DeliveryException(
                DeliveryError.Transient, $"The SignalR service at {_serverEndpoint} cannot be reached to {operation}: {ex.HttpRequestError}.", ex);
        }
        finally
        {
            _slots.Release();
        }
    }

    private HttpRequestMessage Request(HttpMethod method, Uri url, ReadOnlyMemory<byte>? body)
    {
        var audience = url.GetLeftPart(UriPartial.Path);
        var request = new HttpRequestMessage(method, url);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _tokens.Issue(audience, _tokenLifetime));
        if (body is { } bytes)
        {
            request.Content = new ReadOnlyMemoryContent(bytes);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        }

        return request;
    }

    private static partial class Log
    {
        [LoggerMessage(4001, LogLevel.Information, "A call to the SignalR service to {Operation} is tried again in {Wait}: {Reason}")]
        public static partial void TryingAgain(ILogger logger, string operation, string reason, TimeSpan wait);
    }
}
