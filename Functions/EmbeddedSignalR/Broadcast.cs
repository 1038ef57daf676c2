using Microsoft.Extensions.Options;

namespace Serverless.EmbeddedSignalR;

/// <summary>Sends one message to many clients.</summary>
internal sealed class Broadcast(IOptions<EmbeddedSignalROptions> options, TimeProvider time)
{
    /// <summary>
    /// Queues the message for each, in order with other sends; then gives those who have much before them a moment, so that a sender
    /// cannot run a bound ahead of clients who do read.
    /// </summary>
    public Task SendAsync(
        IReadOnlyCollection<ClientConnection> recipients, OutgoingMessage message, IReadOnlySet<string> excluded, CancellationToken cancellationToken)
    {
        List<(ClientConnection Connection, Task Room)>? behind = null;
        foreach (var recipient in recipients)
        {
            if ((excluded.Count == 0 || !excluded.Contains(recipient.Id)) && recipient.Send(message) is { } room)
            {
                (behind ??= []).Add((recipient, room));
            }
        }

        return behind is null ? Task.CompletedTask : WaitForAsync(behind, cancellationToken);
    }

    private async Task WaitForAsync(List<(ClientConnection Connection, Task Room)> behind, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(behind.Select(client => client.Room)).WaitAsync(options.Value.WaitForClients, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            foreach (var client in behind.Where(client => !client.Room.IsCompleted))
            {
                client.Connection.NoteLag();
            }
        }
    }
}
