using Microsoft.Extensions.Options;

namespace Serverless.EmbeddedSignalR;

/// <summary>Sends one message to many clients.</summary>
internal sealed class Broadcast(IOptions<EmbeddedSignalROptions> options, TimeProvider time)
{
    // How many times, while a send waits for clients, it is looked whether they still read.
    private const int Looks = 4;

    /// <summary>
    /// Queues the message for each, in order with other sends; then gives those who have much before them a moment, so that a sender
    /// cannot run a bound ahead of clients who do read.
    /// </summary>
    public Task SendAsync(
        IReadOnlyCollection<ClientConnection> recipients, OutgoingMessage message, IReadOnlySet<string> excluded, CancellationToken cancellationToken)
    {
        List<Behind>? behind = null;
        foreach (var recipient in recipients)
        {
            if ((excluded.Count == 0 || !excluded.Contains(recipient.Id)) && recipient.Send(message) is { } room)
            {
                (behind ??= []).Add(new Behind(recipient, room, recipient.Written));
            }
        }

        return behind is null ? Task.CompletedTask : WaitForAsync(behind, cancellationToken);
    }

    private async Task WaitForAsync(List<Behind> behind, CancellationToken cancellationToken)
    {
        for (var look = 1; behind.Count > 0; look++)
        {
            try
            {
                await Task.WhenAll(behind.Select(client => client.Room)).WaitAsync(options.Value.WaitForClients / Looks, time, cancellationToken);
                return;
            }
            catch (TimeoutException)
            {
                behind = StillWorthIt(behind, isLast: look == Looks);
            }
        }
    }

    private static List<Behind> StillWorthIt(List<Behind> behind, bool isLast)
    {
        List<Behind> reading = [];
        foreach (var client in behind.Where(client => !client.Room.IsCompleted))
        {
            var written = client.Connection.Written;
            if (isLast || written == client.Written)
            {
                client.Connection.NoteLag();
            }
            else
            {
                reading.Add(client with { Written = written });
            }
        }

        return reading;
    }

    private sealed record Behind(ClientConnection Connection, Task Room, long Written);
}
