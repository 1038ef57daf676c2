using Serverless.Calls;

namespace Serverless.Streams;

/// <summary>The route <c>stream</c>: docs/protocol.md describes it.</summary>
internal static class StreamEndpoint
{
    public static void MapStreams(this WebApplication app) => app.MapGroup("/realtime/v1")
        .AddEndpointFilter<FailureAnswers>()
        .MapGet("/stream", HandleAsync);

    private static async Task HandleAsync(
        HttpContext context, StreamRequestReader reader, StreamSlots slots, StreamOpener opener, StreamServer server, CancellationToken cancellationToken)
    {
        var request = await reader.ReadAsync(context.Request, cancellationToken);
        using var slot = slots.Take(context.Response);
        var table = await opener.OpenAsync(request, cancellationToken);
        await server.ServeAsync(context, table, request.Caller.ExpiresAt, cancellationToken);
    }
}
