namespace Serverless.EmbeddedSignalR.DataPlane;

/// <summary>The REST data plane of Azure SignalR, version 2022-06-01. Strict, since it is what proves our REST side.</summary>
internal static class DataPlaneEndpoints
{
    private static readonly string[] _head = [HttpMethods.Head];

    public static void MapSignalRDataPlane(this WebApplication app)
    {
        app.MapMethods("/api/health", _head, (HttpContext http) => DataPlaneGate.CheckVersion(http) ?? Results.Ok());

        var hub = app.MapGroup("/api/hubs/{hub}").AddEndpointFilter(app.Services.GetRequiredService<DataPlaneGate>());
        MapSends(hub, ActivatorUtilities.CreateInstance<DataPlaneSends>(app.Services));
        MapMembership(hub, ActivatorUtilities.CreateInstance<DataPlaneMembership>(app.Services));
        MapConnections(hub, ActivatorUtilities.CreateInstance<DataPlaneConnections>(app.Services));
    }

    private static void MapSends(RouteGroupBuilder hub, DataPlaneSends sends)
    {
        hub.MapPost("/:send", sends.ToAllAsync);
        hub.MapPost("/groups/{group}/:send", sends.ToGroupAsync);
        hub.MapPost("/users/{user}/:send", sends.ToUserAsync);
        hub.MapPost("/connections/{connectionId}/:send", sends.ToConnectionAsync);
    }

    private static void MapMembership(RouteGroupBuilder hub, DataPlaneMembership membership)
    {
        hub.MapPut("/groups/{group}/connections/{connectionId}", membership.AddConnection);
        hub.MapDelete("/groups/{group}/connections/{connectionId}", membership.RemoveConnection);
        hub.MapDelete("/connections/{connectionId}/groups", membership.RemoveConnectionFromAll);
        hub.MapPut("/users/{user}/groups/{group}", membership.AddUserAsync);
        hub.MapDelete("/users/{user}/groups/{group}", membership.RemoveUserAsync);
        hub.MapDelete("/users/{user}/groups", membership.RemoveUserFromAllAsync);
    }

    private static void MapConnections(RouteGroupBuilder hub, DataPlaneConnections connections)
    {
        hub.MapMethods("/connections/{connectionId}", _head, connections.HasConnection);
        hub.MapMethods("/groups/{group}", _head, connections.HasGroup);
        hub.MapMethods("/users/{user}", _head, connections.HasUserAsync);
        hub.MapMethods("/users/{user}/groups/{group}", _head, connections.HasUserInGroup);
        hub.MapDelete("/connections/{connectionId}", connections.Close);
        hub.MapPost("/:closeConnections", connections.CloseAll);
        hub.MapPost("/groups/{group}/:closeConnections", connections.CloseGroup);
        hub.MapPost("/users/{user}/:closeConnections", connections.CloseUserAsync);
    }
}
