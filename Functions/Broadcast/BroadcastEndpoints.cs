using Microsoft.AspNetCore.Mvc;
using Serverless.Calls;

namespace Serverless.Broadcast;

/// <summary>The routes by which messages come in: docs/protocol.md describes them.</summary>
internal static class BroadcastEndpoints
{
    private const int MostMessages = 100;
    private const int MostBodyBytes = 4 * 1024 * 1024;

    public static void MapBroadcast(this WebApplication app)
    {
        var routes = app.MapGroup("/realtime/v1")
            .AddEndpointFilter<FailureAnswers>()
            .WithMetadata(new RequestSizeLimitAttribute(ClientCall.MaxReadBytes));
        routes.MapPost("/channels/broadcast", SendAsync);
        routes.MapPost("/api/broadcast", (HttpContext context, ApiBroadcast api, CancellationToken token) => api.SendAsync(context, token));
        routes.MapPost(
            "/api/broadcast/{topic}/events/{event}",
            (HttpContext context, ApiBroadcast api, CancellationToken token) => api.SendOneAsync(context, RawPath.Segment(context.Request, 2), RawPath.Segment(context.Request, 0), token));
    }

    private static async Task<IResult> SendAsync(HttpRequest request, ClientCall call, ClientBroadcast broadcast, CancellationToken cancellationToken)
    {
        await call.RequireCallerAsync(request, cancellationToken);
        var session = call.RequireSession(request);
        var body = await ClientCall.ReadBodyAsync(request, BroadcastJson.Default.MessagesBody, cancellationToken, MostBodyBytes);
        if (body.Messages is not { Count: > 0 and <= MostMessages } messages)
        {
            throw new RefusedCallException(ErrorAnswer.BadRequest(
                "InvalidBody", $"'messages' has {body.Messages?.Count ?? 0} elements; between 1 and {MostMessages} are accepted in one call."));
        }

        return AnswerJson.Of(new MessageAnswers(await broadcast.SendAsync(session, messages, cancellationToken)), BroadcastJson.Default.MessageAnswers);
    }
}
