using Serverless.Calls;
using Serverless.Delivery;

namespace Serverless.Channels;

/// <summary>Where a SignalR service posts connections and disconnections (Azure SignalR "upstream" events).</summary>
internal static class SignalREventsEndpoint
{
    public static async Task<IResult> HandleAsync(
        HttpRequest request, UpstreamSignature signature, SessionEvents events, CancellationToken cancellationToken)
    {
        var headers = request.Headers;
        var connection = headers["X-ASRS-Connection-Id"].ToString();
        if (!signature.IsBy(connection, headers["X-ASRS-Signature"].ToString()))
        {
            return new ErrorAnswer(StatusCodes.Status401Unauthorized, "InvalidSignature", "X-ASRS-Signature does not fit X-ASRS-Connection-Id. Only the SignalR service may call this.").ToResult();
        }

        if (headers["X-ASRS-Category"] == "connections" && headers["X-ASRS-Event"] == "disconnected")
        {
            await events.OnDisconnectedAsync(headers["X-ASRS-User-Id"].ToString(), connection, cancellationToken);
        }

        return Results.Ok();
    }
}
