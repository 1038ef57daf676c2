using Microsoft.AspNetCore.Mvc;
using Serverless.Calls;

namespace Serverless.Presence;

/// <summary>The routes under <c>/realtime/v1/presence</c>: docs/protocol.md describes them.</summary>
internal static class PresenceEndpoints
{
    public static void MapPresence(this WebApplication app)
    {
        var routes = app.MapGroup("/realtime/v1/presence")
            .AddEndpointFilter<FailureAnswers>()
            .WithMetadata(new RequestSizeLimitAttribute(ClientCall.MaxReadBytes));
        routes.MapPost("/track", TrackEndpoints.TrackAsync);
        routes.MapPost("/untrack", TrackEndpoints.UntrackAsync);
        routes.MapPost("/heartbeat", HeartbeatEndpoint.HandleAsync);
        routes.MapGet("/{topic}", TopicEndpoint.HandleAsync);
    }
}
