namespace Serverless.EmbeddedSignalR.DataPlane;

/// <summary>Messages to everybody, a group, a user, a connection: 202, whether somebody is there or not.</summary>
internal sealed class DataPlaneSends(ClientConnections connections, Handshakes handshakes, Broadcast broadcast)
{
    public Task<IResult> ToAllAsync(DataPlaneCall call, CancellationToken cancellationToken) =>
        SendAsync(call, () => connections.All, cancellationToken);

    public Task<IResult> ToGroupAsync(DataPlaneCall call, CancellationToken cancellationToken) =>
        SendAsync(call, () => connections.OfGroup(call.Group!), cancellationToken);

    public async Task<IResult> ToUserAsync(DataPlaneCall call, CancellationToken cancellationToken)
    {
        await handshakes.WaitAsync(call.User!, cancellationToken);
        return await SendAsync(call, () => connections.OfUser(call.User!), cancellationToken);
    }

    public Task<IResult> ToConnectionAsync(DataPlaneCall call, CancellationToken cancellationToken) =>
        SendAsync(call, () => connections.Find(call.ConnectionId!) is { } connection ? [connection] : [], cancellationToken);

    private async Task<IResult> SendAsync(DataPlaneCall call, Func<IReadOnlyCollection<ClientConnection>> recipients, CancellationToken cancellationToken)
    {
        var (message, error) = await DataPlaneMessage.ReadAsync(call.Http.Request, cancellationToken);
        if (message is null)
        {
            return error!;
        }

        await broadcast.SendAsync(recipients(), message, call.Excluded, cancellationToken);
        return Results.StatusCode(StatusCodes.Status202Accepted);
    }
}
