namespace Serverless.EmbeddedSignalR.DataPlane;

/// <summary>Who is there (200 or 404), and sending them away.</summary>
internal sealed class DataPlaneConnections(ClientConnections connections, Handshakes handshakes)
{
    public IResult HasConnection(DataPlaneCall call) => Found("connection", connections.Find(call.ConnectionId!) is not null);

    public IResult HasGroup(DataPlaneCall call) => Found("group", connections.OfGroup(call.Group!).Count > 0);

    public async Task<IResult> HasUserAsync(DataPlaneCall call, CancellationToken cancellationToken)
    {
        await handshakes.WaitAsync(call.User!, cancellationToken);
        return Found("user", connections.OfUser(call.User!).Count > 0);
    }

    public IResult HasUserInGroup(DataPlaneCall call) => Found("group", connections.IsUserInGroup(call.User!, call.Group!));

    public IResult Close(DataPlaneCall call)
    {
        connections.Find(call.ConnectionId!)?.Close(call.Reason);
        return Results.Ok();
    }

    public IResult CloseAll(DataPlaneCall call) => Close(call, connections.All);

    public IResult CloseGroup(DataPlaneCall call) => Close(call, connections.OfGroup(call.Group!));

    public async Task<IResult> CloseUserAsync(DataPlaneCall call, CancellationToken cancellationToken)
    {
        await handshakes.WaitAsync(call.User!, cancellationToken);
        return Close(call, connections.OfUser(call.User!));
    }

    private static IResult Close(DataPlaneCall call, IReadOnlyCollection<ClientConnection> all)
    {
        var excluded = call.Excluded;
        foreach (var connection in all.Where(connection => !excluded.Contains(connection.Id)))
        {
            connection.Close(call.Reason);
        }

        return Results.NoContent();
    }

    private static IResult Found(string what, bool found) => found ? Results.Ok() : DataPlaneError.NotFound(what);
}
