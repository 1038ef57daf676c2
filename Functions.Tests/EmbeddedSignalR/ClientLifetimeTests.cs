using System.Globalization;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Serverless.Support;

namespace Serverless.EmbeddedSignalR;

/// <summary>Connections come and go at once with everything else; and SignalR's own ways of sending lead to the same clients.</summary>
public sealed class ClientLifetimeTests : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private SignalRProcess _service = null!;

    private ClientConnections Connections => _service.Services.GetRequiredService<ClientConnections>();

    public async Task InitializeAsync() => _service = await SignalRProcess.StartAsync();

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        _service.Log.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task Hub_code_could_send_to_whom_it_likes()
    {
        await using var ann = await _service.ConnectAsync("ann");
        await using var bob = await _service.ConnectAsync("bob");
        await Eventually.HoldsAsync(() => Connections.All.Count == 2);
        var hub = _service.Services.GetRequiredService<IHubContext<ClientHub>>();
        await hub.Groups.AddToGroupAsync(ann.ConnectionId, "board");
        await hub.Groups.AddToGroupAsync(bob.ConnectionId, "board");
        await hub.Groups.AddToGroupAsync(bob.ConnectionId, "left");
        await hub.Groups.RemoveFromGroupAsync(bob.ConnectionId, "left");

        IClientProxy[] forBoth =
        [
            hub.Clients.All, hub.Clients.Group("board"), hub.Clients.Clients(ann.ConnectionId, bob.ConnectionId), hub.Clients.Users("ann", "bob"),
        ];
        IClientProxy[] forAnn =
        [
            hub.Clients.AllExcept(bob.ConnectionId), hub.Clients.Client(ann.ConnectionId), hub.Clients.User("ann"),
            hub.Clients.GroupExcept("board", bob.ConnectionId),
        ];
        IClientProxy[] forNobody = [hub.Clients.Group("left"), hub.Clients.Client("none"), hub.Clients.Groups("left", "none")];
        foreach (var clients in forBoth.Concat(forAnn).Concat(forNobody))
        {
            await clients.SendAsync("note", new { number = 1 });
        }

        await hub.Clients.Groups("board").SendAsync("end");
        await ann.NextAsync("end", _limit);
        await bob.NextAsync("end", _limit);
        ann.Waiting("note").Should().Be(forBoth.Length + forAnn.Length);
        bob.Waiting("note").Should().Be(forBoth.Length);
        (await ann.NextAsync("note", _limit))[0].GetProperty("number").GetInt32().Should().Be(1);
    }

    [Fact]
    public async Task Nothing_is_left_of_clients_who_came_joined_and_went_all_at_once()
    {
        var broadcast = _service.Services.GetRequiredService<Broadcast>();
        await Task.WhenAll(Enumerable.Range(0, 60).Select(ComeAndGoAsync));

        await Eventually.HoldsAsync(() => Connections.All.Count == 0);
        for (var number = 0; number < 5; number++)
        {
            Connections.OfGroup($"group{number}").Should().BeEmpty();
            Connections.OfUser($"user{number}").Should().BeEmpty();
        }

        async Task ComeAndGoAsync(int number)
        {
            var user = string.Create(CultureInfo.InvariantCulture, $"user{number % 5}");
            var group = string.Create(CultureInfo.InvariantCulture, $"group{number % 5}");
            await using var client = await _service.ConnectAsync(user);
            Connections.AddUserToGroup(user, group);
            await broadcast.SendAsync(Connections.OfGroup(group), OutgoingMessage.Invocation("note", "[]"u8), new HashSet<string>(), CancellationToken.None);
            Connections.RemoveUserFromGroup(user, group);
            Connections.AddUserToGroup(user, group);
        }
    }
}
