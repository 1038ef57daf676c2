namespace Serverless.EmbeddedSignalR.DataPlane;

/// <summary>Who is in which group.</summary>
internal sealed class DataPlaneMembership(ClientConnections connections, Handshakes handshakes)
{
    public IResult AddConnection(DataPlaneCall call) =>
        connections.AddToGroup(call.ConnectionId!, call.Group!) ? Results.Ok() : DataPlaneError.NotFound("connection");

    public IResult RemoveConnection(DataPlaneCall call) =>
        connections.RemoveFromGroup(call.ConnectionId!, call.Group!) ? Results.Ok() : DataPlaneError.NotFound("connection");

    public IResult RemoveConnectionFromAll(DataPlaneCall call)
    {
        connections.RemoveFromAllGroups(call.ConnectionId!);
        return Results.Ok();
    }

    public async Task<IResult> AddUserAsync(DataPlaneCall call, CancellationToken cancellationToken)
    {
        if (call.Http.Request.Query["ttl"] != "0")
        {
            return DataPlaneError.Invalid(
                "ttl", "This look-alike adds a user's live connections only: say ttl=0. Without it Azure SignalR would add later ones too, for up to a year.");
        }

        await handshakes.WaitAsync(call.User!, cancellationToken);
        connections.AddUserToGroup(call.User!, call.Group!);
        return Results.Ok();
    }

    public async Task<IResult> RemoveUserAsync(DataPlaneCall call, CancellationToken cancellationToken)
    {
        await handshakes.WaitAsync(call.User!, cancellationToken);
        connections.RemoveUserFromGroup(call.User!, call.Group!);
        return Results.NoContent();
    }

    public async Task<IResult> RemoveUserFromAllAsync(DataPlaneCall call, CancellationToken cancellationToken)
    {
        await handshakes.WaitAsync(call.User!, cancellationToken);
        connections.RemoveUserFromAllGroups(call.User!);
        return Results.NoContent();
    }
}
