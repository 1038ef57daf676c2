using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Serverless.EmbeddedSignalR;

/// <summary>A client that stops reading costs a bounded amount of memory, then its connection; the others notice nothing.</summary>
public sealed class SlowClientTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_client_that_does_not_read_is_disconnected_and_the_others_get_everything()
    {
        // Long, so that a reader on a busy machine is not taken for one who sleeps.
        await using var service = await SignalRProcess.StartAsync("--EmbeddedSignalR:WaitForClients=00:00:12");
        await using var reader = await service.ConnectAsync("reader");
        using var sleeper = await SleeperAsync(service);
        var connections = service.Services.GetRequiredService<ClientConnections>();
        var broadcast = service.Services.GetRequiredService<Broadcast>();
        await Support.Eventually.HoldsAsync(() => connections.All.Count == 2);

        // Enough to fill the buffers of both sockets and the transport before ours.
        var arguments = Encoding.UTF8.GetBytes($"[\"{new string('x', 100_000)}\"]");
        for (var number = 0; number < 400; number++)
        {
            await broadcast.SendAsync(connections.All, OutgoingMessage.Invocation("note", arguments), new HashSet<string>(), CancellationToken.None);
        }

        for (var number = 0; number < 400; number++)
        {
            (await reader.NextAsync("note", _limit)).Should().HaveCount(1);
        }

        await Support.Eventually.HoldsAsync(() => connections.All.Count == 1);
        service.Log.Entries.Where(entry => entry.Level >= LogLevel.Warning).Select(entry => entry.Id.Id).Should().Equal(4501);
    }

    [Fact]
    public async Task A_client_that_is_closed_and_does_not_read_is_disconnected_all_the_same()
    {
        await using var service = await SignalRProcess.StartAsync("--EmbeddedSignalR:PendingBytes=100000000");
        using var sleeper = await SleeperAsync(service);
        var connections = service.Services.GetRequiredService<ClientConnections>();
        await Support.Eventually.HoldsAsync(() => connections.All.Count == 1);
        var connection = connections.All.Single();
        var arguments = Encoding.UTF8.GetBytes($"[\"{new string('x', 100_000)}\"]");
        for (var number = 0; number < 200; number++)
        {
            _ = connection.Send(OutgoingMessage.Invocation("note", arguments));
        }

        connection.Close("Time to go.");
        await Support.Eventually.HoldsAsync(() => connections.All.Count == 0);
    }

    // Shakes hands over a bare socket and never reads again.
    private static async Task<ClientWebSocket> SleeperAsync(SignalRProcess service)
    {
        var socket = new ClientWebSocket();
        var token = service.Tokens.Issue(service.ClientUrl, TimeSpan.FromMinutes(1), "sleeper");
        var url = service.ClientUrl.Replace("http:", "ws:", StringComparison.Ordinal);
        await socket.ConnectAsync(new Uri($"{url}&access_token={token}"), CancellationToken.None);
        var handshake = Encoding.UTF8.GetBytes("{\"protocol\":\"json\",\"version\":1}\u001e");
        await socket.SendAsync(handshake, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        return socket;
    }
}
