using System.Text;
using Serverless.Database;
using Serverless.EmbeddedSignalR;
using Serverless.Support;

namespace Serverless.Presence;

/// <summary>Two instances on one Postgres and one SignalR service: diffs of a topic leave in the order of their versions, whichever makes them.</summary>
public sealed class PresenceOrderTests : IAsyncLifetime
{
    private const string Room = "room";
    private const int Members = 32;
    private const int Rounds = 12;

    private readonly List<RealtimeTestApp> _apps = [];
    private TestDatabase _database = null!;
    private SignalRProcess _signalR = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _signalR = await SignalRProcess.StartAsync();
        for (var instance = 0; instance < 2; instance++)
        {
            // Row changes are not captured, so the app is never ready as /readyz means it; presence only needs the database.
            var app = await RealtimeTestApp.StartWithoutWaitingAsync(
                _database, replace: null, "--Capture:Enabled=false", "--Limits:PresencePerSecond=1000", $"--AzureSignalRConnectionString={_signalR.ConnectionString}");
            _apps.Add(app);
            await app.Service<DatabaseReadiness>().WhenReadyAsync(CancellationToken.None).WaitAsync(RealtimeClient.Limit);
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        await _signalR.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Every_receiver_that_applies_the_diffs_ends_at_what_is_true()
    {
        var members = new List<PresenceMember>();
        for (var i = 0; i < Members; i++)
        {
            members.Add(await JoinAsync(i));
        }

        var changing = Task.WhenAll(members.Select(ChangeAsync));

        // Some come while the others change.
        for (var i = 0; i < 8; i++)
        {
            members.Add(await JoinAsync(Members + i));
        }

        await changing;
        var truth = await members[0].LookAsync(Room);
        var expected = PresenceView.Of(new PresenceSnapshot(
            truth.GetProperty("version").GetInt64(), Encoding.UTF8.GetBytes(truth.GetProperty("state").GetRawText())));
        expected.Members.Should().HaveCountGreaterThan(5);
        foreach (var member in members)
        {
            while (member.View.Version < expected.Version)
            {
                await member.NextDiffAsync();
                member.View.Holes.Should().Be(0);
            }

            member.View.Version.Should().Be(expected.Version);
            member.View.Members.Should().Equal(expected.Members);
            member.Hub.Waiting("presence_state").Should().Be(0);
            await member.DisposeAsync();
        }

        (await _database.ScalarAsync<bool>("select told = version and untold_since is null from serverless_realtime.presence_topic")).Should().BeTrue();
        _apps.SelectMany(app => app.Logs.Warnings).Should().BeEmpty();
    }

    private async Task ChangeAsync(PresenceMember member, int number)
    {
        var random = new Random(number);
        for (var round = 0; round < Rounds; round++)
        {
            if (random.Next(3) == 0)
            {
                await member.UntrackAsync(Room);
            }
            else
            {
                await member.TrackAsync(Room, new { round, n = random.Next(2) });
            }
        }
    }

    // Two members share each key.
    private Task<PresenceMember> JoinAsync(int number) => PresenceMember.JoinAsync(_apps[number % 2], _database, Room, $"key {number / 2}");
}
