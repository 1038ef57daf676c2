using System.Text.Json;
using Serverless.Delivery;
using Serverless.Support;
using Serverless.Topics;

namespace Serverless.Presence;

/// <summary>What is put right where nobody calls.</summary>
public sealed class PresenceSweepTests : IAsyncLifetime
{
    private const string Room = "room";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database, ObservedDelivery.Install, "--Presence:MetaBytes=250000");
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Whoever_is_silent_for_the_timeout_is_gone_and_nobody_else_is()
    {
        await using var ada = await JoinAsync("ada");
        await using var bob = await JoinAsync("bob");
        await ada.TrackAsync(Room, new { });
        await bob.TrackAsync(Room, new { });

        await SilentForAsync(ada, "76 seconds");
        await SilentForAsync(bob, "74 seconds");
        await SweepAsync();

        await bob.NextDiffAsync();
        await bob.NextDiffAsync();
        var left = await bob.NextDiffAsync();
        left.GetProperty("leaves").EnumerateObject().Select(key => key.Name).Should().Equal("ada");
        bob.View.Members.Should().ContainSingle().Which.Should().StartWith("bob ");

        // The one who was taken for gone learns of it, says that he is there, and is.
        (await ada.HeartbeatAsync()).GetProperty("tracked").GetArrayLength().Should().Be(0);
        await ada.TrackAsync(Room, new { });
        await bob.NextDiffAsync();
        bob.View.Members.Should().HaveCount(2);
        bob.View.Holes.Should().Be(0);
    }

    [Fact]
    public async Task A_late_heartbeat_keeps_the_member_without_a_flicker()
    {
        await using var ada = await JoinAsync("ada");
        await ada.TrackAsync(Room, new { });
        for (var late = 0; late < 3; late++)
        {
            await SilentForAsync(ada, "74 seconds");
            await SweepAsync();
            (await ada.HeartbeatAsync()).GetProperty("tracked").GetArrayLength().Should().Be(1);
        }

        (await ada.NextDiffAsync()).GetProperty("joins").EnumerateObject().Should().ContainSingle();
        ada.Hub.Waiting("presence_diff").Should().Be(0);
    }

    [Fact]
    public async Task A_heartbeat_at_the_moment_of_the_sweep_is_seen_by_it_or_sees_what_it_did()
    {
        var room = new PresenceTopic(Room, IsPrivate: false);
        await using var ada = await JoinAsync("ada");
        for (var round = 0; round < 40; round++)
        {
            await ada.TrackAsync(Room, new { round });
            await SilentForAsync(ada, "76 seconds");

            var heartbeat = ada.HeartbeatAsync();
            await SweepAsync();
            var isTracked = (await heartbeat).GetProperty("tracked").GetArrayLength() == 1;

            (await _app.Service<PresenceStore>().TopicsOfAsync(ada.Session, CancellationToken.None)).Contains(room).Should().Be(isTracked);
        }
    }

    [Fact]
    public async Task Whoever_has_left_the_topic_and_was_not_made_absent_is_gone_with_the_next_sweep()
    {
        await using var ada = await JoinAsync("ada");
        await using var bob = await JoinAsync("bob");
        await ada.TrackAsync(Room, new { });
        await bob.NextDiffAsync();

        await using (var connection = await _database.DataSource.OpenConnectionAsync())
        {
            await TopicRegistry.EndSessionAsync(connection, ada.Session, CancellationToken.None);
        }

        await SweepAsync();
        (await bob.NextDiffAsync()).GetProperty("leaves").EnumerateObject().Should().ContainSingle();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task What_was_not_sent_is_told_as_the_whole_state(int lost)
    {
        await using var ada = await JoinAsync("ada");
        await using var bob = await JoinAsync("bob");
        FailSends();
        for (var change = 0; change < lost; change++)
        {
            await ada.TrackAsync(Room, new { change });
        }

        _app.Service<ObservedDelivery>().Sending = null;
        (await bob.LookAsync(Room)).GetProperty("state").EnumerateObject().Should().ContainSingle("the change is committed");
        await LaterAsync();
        await SweepAsync();

        var told = await bob.NextStateAsync();
        var state = await bob.LookAsync(Room);
        JsonElement.DeepEquals(told.GetProperty("state"), state.GetProperty("state")).Should().BeTrue();
        told.GetProperty("version").GetInt64().Should().Be(state.GetProperty("version").GetInt64());
        bob.Hub.Waiting("presence_diff").Should().Be(0);

        // Told once, and the chain goes on from there.
        await LaterAsync();
        await SweepAsync();
        bob.View.Replace(told.GetProperty("version").GetInt64(), told.GetProperty("state"));
        await ada.UntrackAsync(Room);
        await bob.NextDiffAsync();
        bob.Hub.Waiting("presence_state").Should().Be(0);
        bob.View.Holes.Should().Be(0);
        bob.View.Members.Should().BeEmpty();
        _app.Logs.Warnings.Should().HaveCount(lost).And.OnlyContain(warning => warning.StartsWith("PresenceNotTold", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_diff_after_one_that_was_lost_shows_the_hole_and_the_sweep_mends_it_all_the_same()
    {
        await using var ada = await JoinAsync("ada");
        FailSends();
        await ada.TrackAsync(Room, new { n = 1 });
        _app.Service<ObservedDelivery>().Sending = null;

        await ada.TrackAsync(Room, new { n = 2 });
        await ada.NextDiffAsync();
        ada.View.Holes.Should().Be(1);

        await LaterAsync();
        await SweepAsync();
        (await ada.NextStateAsync()).GetProperty("state").GetProperty("ada").GetProperty("metas")[0].GetProperty("n").GetInt32().Should().Be(2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_holder_whose_connection_dies_while_it_tells_holds_up_nobody_and_is_told_for(bool isSent)
    {
        await using var ada = await JoinAsync("ada");
        await using var bob = await JoinAsync("bob");
        _app.Service<ObservedDelivery>().Sending = async (_, _) =>
        {
            (await _database.ScalarAsync<long>(
                $"select count(pg_terminate_backend(pid)) from pg_locks where locktype = 'advisory' and classid = {Database.AdvisoryLocks.Presence} and database = (select oid from pg_database where datname = current_database())"))
                .Should().Be(1);
            if (!isSent)
            {
                throw new DeliveryException(DeliveryError.Transient, "Lost by the test.");
            }
        };
        await ada.TrackAsync(Room, new { n = 1 });
        _app.Service<ObservedDelivery>().Sending = null;

        await bob.TrackAsync(Room, new { n = 2 });
        await LaterAsync();
        await SweepAsync();

        (await bob.NextStateAsync()).GetProperty("state").EnumerateObject().Select(key => key.Name).Should().BeEquivalentTo("ada", "bob");
    }

    [Fact]
    public async Task A_state_too_large_for_a_message_is_told_to_be_asked_for()
    {
        await using var ada = await JoinAsync("ada");
        FailSends();
        await ada.TrackAsync(Room, new { text = new string('x', 200_000) });
        _app.Service<ObservedDelivery>().Sending = null;
        await LaterAsync();
        await SweepAsync();

        var told = await ada.NextStateAsync();
        told.TryGetProperty("state", out _).Should().BeFalse();
        (await ada.LookAsync(Room)).GetProperty("version").GetInt64().Should().Be(told.GetProperty("version").GetInt64());
    }

    [Fact]
    public async Task After_a_crash_that_emptied_the_tables_everybody_is_told_and_versions_have_grown()
    {
        await using var ada = await JoinAsync("ada");
        await using var bob = await JoinAsync("bob");
        await using var other = await PresenceMember.JoinAsync(_app, _database, "other", "eve", isPrivate: true);
        await ada.TrackAsync(Room, new { n = 1 });
        await bob.NextDiffAsync();
        var before = bob.View.Version;

        await _database.ExecuteAsync(
            """
            truncate serverless_realtime.presence, serverless_realtime.presence_topic, serverless_realtime.presence_session, serverless_realtime.presence_mark
            """);
        await SweepAsync();

        var told = await bob.NextStateAsync();
        told.GetProperty("version").GetInt64().Should().BeGreaterThan(before);
        told.GetProperty("state").EnumerateObject().Should().BeEmpty("nobody is taken for present who has not said so");
        (await other.NextStateAsync()).GetProperty("private").GetBoolean().Should().BeTrue();

        // Whoever is still there finds it out by the next heartbeat.
        (await ada.HeartbeatAsync()).GetProperty("tracked").GetArrayLength().Should().Be(0);
        await ada.TrackAsync(Room, new { n = 1 });
        bob.View.Replace(told.GetProperty("version").GetInt64(), told.GetProperty("state"));
        await bob.NextDiffAsync();
        bob.View.Members.Should().ContainSingle();
        bob.View.Holes.Should().Be(0);
    }

    [Fact]
    public async Task A_change_after_such_a_crash_shows_the_hole_before_any_sweep()
    {
        await using var ada = await JoinAsync("ada");
        await ada.TrackAsync(Room, new { n = 1 });
        await ada.NextDiffAsync();
        await _database.ExecuteAsync("truncate serverless_realtime.presence, serverless_realtime.presence_topic, serverless_realtime.presence_session");

        await ada.TrackAsync(Room, new { n = 1 });

        await ada.NextDiffAsync();
        ada.View.Holes.Should().Be(1);
    }

    [Fact]
    public async Task A_topic_is_forgotten_when_nobody_is_present_and_nobody_has_joined_it()
    {
        await using var ada = await JoinAsync("ada");
        await using var present = await PresenceMember.JoinAsync(_app, _database, "of one who is present", "eve");
        await present.TrackAsync("of one who is present", new { });
        await _app.Service<PresenceStore>().ReadAsync("of nobody", isPrivate: false, CancellationToken.None);
        await _app.Service<PresenceStore>().ReadAsync("of nobody, lately", isPrivate: false, CancellationToken.None);
        await _database.ExecuteAsync(
            """
            update serverless_realtime.presence_topic set changed_at = now() - interval '11 minutes' where topic <> 'of nobody, lately';
            insert into serverless_realtime.presence_session values (gen_random_uuid(), now() - interval '2 minutes')
            """);

        await SweepAsync();

        (await _database.ScalarAsync<string>("select string_agg(topic, ', ' order by topic) from serverless_realtime.presence_topic"))
            .Should().Be("of nobody, lately, of one who is present, room");
        (await _database.ScalarAsync<Guid>("select session_id from serverless_realtime.presence_session")).Should().Be(present.Session);
    }

    [Fact]
    public async Task While_another_instance_sweeps_this_one_does_not()
    {
        await using var ada = await JoinAsync("ada");
        await ada.TrackAsync(Room, new { });
        var hasRun = false;
        await Eventually.HoldsAsync(async () =>
        {
            // Not while the app's own sweep is at it.
            await _app.Service<SweepTurn>().RunAsync(0, HoldAsync, CancellationToken.None);
            return hasRun;
        });
        await SweepAsync();
        (await ada.LookAsync(Room)).GetProperty("state").EnumerateObject().Should().BeEmpty();

        async Task HoldAsync(Npgsql.NpgsqlConnection connection)
        {
            hasRun = true;
            await SilentForAsync(ada, "76 seconds");
            await _app.Service<PresenceSweep>().SweepAsync(CancellationToken.None);
            (await ada.LookAsync(Room)).GetProperty("state").EnumerateObject().Should().ContainSingle();
        }
    }

    private void FailSends() => _app.Service<ObservedDelivery>().Sending = (_, _) => throw new DeliveryException(DeliveryError.Transient, "Lost by the test.");

    private Task<PresenceMember> JoinAsync(string key) => PresenceMember.JoinAsync(_app, _database, Room, key);

    // The database's clock counts, and cannot be moved; so what it wrote is moved back.
    private Task SilentForAsync(PresenceMember member, string time) =>
        _database.ExecuteAsync($"update serverless_realtime.presence_session set seen_at = clock_timestamp() - interval '{time}' where session_id = '{member.Session}'");

    private Task LaterAsync() => _database.ExecuteAsync("update serverless_realtime.presence_topic set untold_since = untold_since - interval '4 seconds'");

    // The app's own sweep may be at it just now, and this one then does nothing; waiting for its lock waits for it.
    private async Task SweepAsync()
    {
        await _app.Service<PresenceSweep>().SweepAsync(CancellationToken.None);
        await _database.ExecuteAsync($"select pg_advisory_lock({Database.AdvisoryLocks.PresenceSweep}, 0), pg_advisory_unlock({Database.AdvisoryLocks.PresenceSweep}, 0)");
        await _app.Service<PresenceSweep>().SweepAsync(CancellationToken.None);
    }
}
