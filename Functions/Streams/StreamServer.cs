using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Serverless.ChangeLog;
using Serverless.Delivery;

namespace Serverless.Streams;

/// <summary>Answers a request with a stream, from its first byte until one side ends it.</summary>
internal sealed class StreamServer(
    TailReader tail, LogWatch watch, IRealtimeDelivery delivery, IOptions<StreamOptions> options, IHostApplicationLifetime host, TimeProvider time, ILogger<ChangeStream> logger)
{
    /// <summary>How long a client is waited for that does not take the last of what it is sent.</summary>
    private static readonly TimeSpan _farewell = TimeSpan.FromSeconds(5);

    /// <param name="expiresAt">When the caller's token ends, and the stream with it.</param>
    /// <param name="clientGone">The client has closed the connection.</param>
    public async Task ServeAsync(HttpContext context, StreamedTable table, DateTimeOffset expiresAt, CancellationToken clientGone)
    {
        var writer = Begin(context);
        using var watcher = watch.Watch(table.Definition.Schema, table.Definition.Table);

        // As a large row is cut short by SignalR, so it is here: the same change has the same bytes on both ways.
        var stream = new ChangeStream(table, writer, tail, watcher, delivery.MaxArgumentsBytes * 3 / 4, options.Value, time, logger);
        var left = expiresAt - time.GetUtcNow();
        var expiresFirst = left < options.Value.Lifetime;
        using var timer = new CancellationTokenSource(expiresFirst ? (left > TimeSpan.Zero ? left : TimeSpan.Zero) : options.Value.Lifetime, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, host.ApplicationStopping, clientGone);
        try
        {
            await stream.RunAsync(ending.Token);
        }
        catch (OperationCanceledException)
        {
            await SayFarewellAsync(stream, expiresFirst && timer.IsCancellationRequested ? StreamNotice.TokenExpired : null, clientGone);
        }
    }

    private EventWriter Begin(HttpContext context)
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache, no-transform";

        // Asks nginx, and what follows its example, to pass on each event as it comes.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        return new EventWriter(context.Response.BodyWriter, time);
    }

    private static async Task SayFarewellAsync(ChangeStream stream, StreamNotice? last, CancellationToken clientGone)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(clientGone);
        patience.CancelAfter(_farewell);
        try
        {
            await stream.EndAsync(last, patience.Token);
        }
        catch (OperationCanceledException)
        {
            // It is gone, or will find its way back by the last place it has heard of.
        }
    }
}
