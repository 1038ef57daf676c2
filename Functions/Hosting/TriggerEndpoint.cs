using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace Serverless.Hosting;

/// <summary>
/// A function that no client calls: the Functions host posts its trigger's envelope to <c>/name</c>. The answer is a JSON object in
/// every case, because the host waits until its time-out for one when a success has an empty body; any status but 2xx fails the invocation, and
/// the retry policy in function.json decides what follows.
/// </summary>
internal static partial class TriggerEndpoint
{
    /// <summary>
    /// Enough for the 25 events of an invocation (host.json, <c>maxEventBatchSize</c>) of 1 MiB each (Event Hubs' limit), every byte
    /// of them escaped twice: a body that is always refused would be tried forever.
    /// </summary>
    public const long MaxBodyBytes = 128 * 1024 * 1024;

    private static readonly object _done = new { Outputs = new { }, Logs = Array.Empty<string>(), ReturnValue = (object?)null };

    // The host writes its members in Pascal case.
    private static readonly JsonSerializerOptions _hostCase = new();

    public static void MapTrigger(this WebApplication app, string function, Func<JsonElement, CancellationToken, Task> invoke)
    {
        var host = FunctionsHost.From(app.Configuration);
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(TriggerEndpoint));
        app.MapPost("/" + function, context => host.IsCaller(context.Connection) && !IsWebPage(context.Request)
                ? AnswerAsync(context, function, invoke, logger)
                : Refuse(context, StatusCodes.Status404NotFound, "NotFound", "There is nothing here."))
            .WithMetadata(new RequestSizeLimitAttribute(MaxBodyBytes));
    }

    private static async Task AnswerAsync(HttpContext context, string function, Func<JsonElement, CancellationToken, Task> invoke, ILogger logger)
    {
        try
        {
            using var body = await ReadAsync(context.Request, context.RequestAborted);
            await invoke(body.RootElement, context.RequestAborted);
            await context.Response.WriteAsJsonAsync(_done, _hostCase, context.RequestAborted);
        }
        catch (EnvelopeException ex)
        {
            Log.EnvelopeUnreadable(logger, function, ex.Message);
            await Refuse(context, StatusCodes.Status400BadRequest, "EnvelopeUnreadable", ex.Message);
        }
        catch (BadHttpRequestException ex)
        {
            Log.EnvelopeUnreadable(logger, function, ex.Message);
            await Refuse(context, ex.StatusCode, "EnvelopeUnreadable", ex.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The host hung up: it times out or stops, gives the events again, and nobody reads an answer.
        }
        catch (Exception ex)
        {
            Log.InvocationFailed(logger, ex, function, context.Request.Headers["X-Azure-Functions-InvocationId"].ToString());
            await Refuse(context, StatusCodes.Status500InternalServerError, "InvocationFailed", $"The function '{function}' failed; its log says why.");
        }
    }

    // The host's port is on the loopback of a developer's machine as well, where any page in a browser can reach it; only browsers send this.
    private static bool IsWebPage(HttpRequest request) => request.Headers.ContainsKey(HeaderNames.Origin);

    private static async Task<JsonDocument> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!request.HasJsonContentType())
        {
            throw new BadHttpRequestException("The body is not application/json, as the Functions host sends it.", StatusCodes.Status415UnsupportedMediaType);
        }

        try
        {
            return await JsonDocument.ParseAsync(request.Body, cancellationToken: cancellationToken);
        }
        catch (JsonException ex)
        {
            throw new EnvelopeException($"The body is not JSON: byte {ex.BytePositionInLine} of line {ex.LineNumber} does not fit.", ex);
        }
    }

    private static Task Refuse(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { code, message }, context.RequestAborted);
    }

    private static partial class Log
    {
        [LoggerMessage(9101, LogLevel.Error, "The call of function '{Function}' was refused. {Reason}")]
        public static partial void EnvelopeUnreadable(ILogger logger, string function, string reason);

        [LoggerMessage(9102, LogLevel.Error, "Invocation {InvocationId} of function '{Function}' failed; the Functions host gives it again.")]
        public static partial void InvocationFailed(ILogger logger, Exception exception, string function, string invocationId);
    }
}
