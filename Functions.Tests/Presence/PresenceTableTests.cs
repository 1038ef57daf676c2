using System.Text.Json;
using Serverless.Presence.Tables;
using Serverless.Support;

namespace Serverless.Presence;

/// <summary>Presence as rows of an app's own tables: heartbeats keep them, and silence changes them.</summary>
public sealed class PresenceTableTests : IAsyncLifetime
{
    private const string Ada = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
    private const string Bob = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();

        // As the apps have them that this is for, and one whose columns are of other types.
        await _database.ExecuteAsync(
            $$"""
            create schema chat;
            create type chat.status as enum ('online', 'away', 'offline');
            create table presence (
              user_id text primary key, status text not null, last_seen timestamptz, current_page text, activity text);
            create table user_presence (
              user_id text primary key, session_id text not null, status text default 'online' check (status in ('online', 'away', 'offline')),
              last_seen timestamptz default now(), is_typing boolean default false, typing_in_session text, metadata jsonb default '{}');
            create table chat."Odd ""q"" name" (
              id bigint generated always as identity, user_id uuid, status chat.status, last_seen timestamp);
            insert into presence values ('{{Ada}}', 'online', now(), '/home', 'reading'), ('{{Bob}}', 'online', now(), null, null);
            insert into user_presence (user_id, session_id) values ('{{Ada}}', 's1'), ('{{Bob}}', 's1');
            insert into chat."Odd ""q"" name" (user_id, status, last_seen) values ('{{Ada}}', 'online', now() at time zone 'utc'), ('{{Bob}}', null, null);
            """);
        _app = await RealtimeTestApp.StartAsync(_database, "--Presence:Tables=public.presence, user_presence, chat.Odd \"q\" name");
        await Eventually.HoldsAsync(() => _app.Service<PresenceTables>().AreComplete);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Theory]
    [InlineData("presence")]
    [InlineData("user_presence")]
    [InlineData("chat.\"Odd \"\"q\"\" name\"")]
    public async Task A_heartbeat_keeps_the_callers_own_row_and_no_other(string table)
    {
        await using var ada = await JoinAsync(Ada);
        await SilentForAsync(table, "60 seconds");

        await ada.HeartbeatAsync();

        (await SecondsSinceAsync(table, Ada)).Should().BeLessThan(30);
        (await SecondsSinceAsync(table, Bob)).Should().BeGreaterThan(59);
        (await StatusAsync(table, Ada)).Should().Be("online");
        (await _database.ScalarAsync<string>($"select current_page || ' ' || activity from presence where user_id = '{Ada}'")).Should().Be("/home reading");
        _app.Logs.Warnings.Should().BeEmpty();
    }

    [Theory]
    [InlineData("presence")]
    [InlineData("user_presence")]
    [InlineData("chat.\"Odd \"\"q\"\" name\"")]
    public async Task Whoever_is_silent_for_the_timeout_is_offline_and_online_with_the_next_heartbeat(string table)
    {
        await using var ada = await JoinAsync(Ada);
        await _database.ExecuteAsync($"update {table} set status = 'away' where user_id = '{Ada}'");
        await SilentForAsync(table, "74 seconds");
        await SweepAsync();
        (await StatusAsync(table, Ada)).Should().Be("away", "a heartbeat may be late");

        await SilentForAsync(table, "76 seconds");
        await SweepAsync();
        (await StatusAsync(table, Ada)).Should().Be("offline");

        await ada.HeartbeatAsync();
        (await StatusAsync(table, Ada)).Should().Be("online");
        await ada.HeartbeatAsync(new { status = "away" });
        (await StatusAsync(table, Ada)).Should().Be("away");
        await ada.HeartbeatAsync(new { });
        (await StatusAsync(table, Ada)).Should().Be("away", "a heartbeat that says nothing leaves what was said");
        await ada.HeartbeatAsync(new { status = "offline" });
        (await StatusAsync(table, Ada)).Should().Be("offline");
        _app.Logs.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task Heartbeats_that_are_a_little_late_never_show()
    {
        await _database.ExecuteAsync(
            """
            create table seen (status text);
            create function note() returns trigger language plpgsql as $$ begin insert into seen values (new.status); return null; end $$;
            create trigger noted after update on presence for each row when (old.status is distinct from new.status) execute function note();
            """);
        await using var ada = await JoinAsync(Ada);
        for (var late = 0; late < 5; late++)
        {
            await SilentForAsync("presence", "70 seconds");
            await SweepAsync();
            await ada.HeartbeatAsync();
            await SweepAsync();
        }

        (await _database.ScalarAsync<long>("select count(*) from seen")).Should().Be(0);
    }

    [Fact]
    public async Task Typing_ends_three_seconds_after_it_was_last_said()
    {
        await _database.ExecuteAsync($"update user_presence set is_typing = true, typing_in_session = 's1', last_seen = now() - interval '2 seconds' where user_id = '{Ada}'");
        await _database.ExecuteAsync($"update user_presence set is_typing = true, typing_in_session = 's1', last_seen = now() + interval '1 hour' where user_id = '{Bob}'");

        // The app's own sweep finds it, a second later.
        await Eventually.HoldsAsync(async () => !await TypesAsync(Ada));

        (await SecondsSinceAsync("user_presence", Ada)).Should().BeInRange(3, 15);
        (await _database.ScalarAsync<bool>($"select typing_in_session is null and status = 'online' from user_presence where user_id = '{Ada}'")).Should().BeTrue();
        (await TypesAsync(Bob)).Should().BeTrue();
    }

    [Fact]
    public async Task A_heartbeat_does_not_make_typing_last()
    {
        await using var ada = await JoinAsync(Ada);
        await _database.ExecuteAsync($"update user_presence set is_typing = true, typing_in_session = 's1', last_seen = now() - interval '4 seconds' where user_id = '{Ada}'");
        await ada.HeartbeatAsync();
        (await _database.ScalarAsync<bool>($"select not is_typing and typing_in_session is null from user_presence where user_id = '{Ada}'")).Should().BeTrue();
    }

    [Fact]
    public async Task What_silence_changes_reaches_subscribers_as_any_change()
    {
        await _database.ExecuteAsync("grant select on user_presence to anon; select serverless_realtime.enable('user_presence')");
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = await client.JoinAsync("chat", new { @event = "UPDATE", table = "user_presence", filter = $"user_id=eq.{Ada}" });
        await SilentForAsync("user_presence", "76 seconds");
        await SweepAsync();

        var changes = await client.ChangesAsync(ids[0], 2);
        changes.Select(change => change.GetProperty("record").GetProperty("status").GetString()).Should().Equal("online", "offline");
    }

    [Fact]
    public async Task A_caller_without_a_row_or_a_subject_is_answered_and_makes_none()
    {
        await using var stranger = await JoinAsync("not even a uuid");
        await using var nobody = await PresenceMember.JoinAsync(_app, _database, "room", "key");

        await stranger.HeartbeatAsync(new { status = "online" });
        await nobody.HeartbeatAsync(new { status = "online" });

        (await _database.ScalarAsync<long>("select count(*) from presence")).Should().Be(2);
        _app.Logs.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task A_table_that_fails_is_said_once_and_costs_nobody_anything()
    {
        await using var ada = await JoinAsync(Ada);
        await _database.ExecuteAsync("alter table presence add check (status <> 'offline')");
        await SilentForAsync("presence", "76 seconds");
        await SilentForAsync("user_presence", "76 seconds");
        await SweepAsync();
        await SweepAsync();

        (await StatusAsync("user_presence", Ada)).Should().Be("offline");
        _app.Logs.Warnings.Should().ContainSingle().Which.Should().StartWith("PresenceTableFailed").And.Contain("'public.presence'");
    }

    [Fact]
    public async Task Tables_that_do_not_fit_are_named_and_the_others_are_kept()
    {
        await _database.ExecuteAsync(
            """
            create table no_status (user_id text, last_seen timestamptz);
            create table no_time (user_id text, status text, last_seen text);
            create view a_view as select * from presence;
            """);
        await using var app = await RealtimeTestApp.StartWithoutWaitingAsync(
            _database, replace: null, "--Presence:Tables=missing, no_status, no_time, a_view, presence", "--Capture:Enabled=false");
        var tables = app.Service<PresenceTables>();
        await Eventually.HoldsAsync(() => app.Logs.Warnings.Count() >= 4);

        app.Logs.Warnings.Should().HaveCount(4).And.OnlyContain(warning => warning.StartsWith("PresenceTableUnfit", StringComparison.Ordinal));
        string.Join('\n', app.Logs.Warnings).Should()
            .Contain("there is no table 'public.missing'").And
            .Contain("table 'public.no_status' has no column 'status'").And
            .Contain("'last_seen' of table 'public.no_time' is of the type 'text'").And
            .Contain("there is no table 'public.a_view'");
        await Eventually.HoldsAsync(async () =>
        {
            await tables.HeartbeatAsync(Ada, "away", CancellationToken.None);
            return await StatusAsync("presence", Ada) == "away";
        });

        // A migration that comes later is found, and nothing is said again.
        await _database.ExecuteAsync("alter table no_status add status text; insert into no_status values ('x', null, null)");
        await tables.LookAsync(CancellationToken.None);
        await tables.HeartbeatAsync("x", status: null, CancellationToken.None);
        (await StatusAsync("no_status", "x")).Should().Be("online");
        app.Logs.Warnings.Should().HaveCount(4);
    }

    private Task<PresenceMember> JoinAsync(string subject) =>
        PresenceMember.JoinAsync(_app, _database, "room", subject, token: Tokens.For("authenticated", subject));

    private Task SilentForAsync(string table, string time) => _database.ExecuteAsync($"update {table} set last_seen = now() at time zone 'utc' - interval '{time}'");

    private async Task<double> SecondsSinceAsync(string table, string user) =>
        await _database.ScalarAsync<double>($"set timezone = 'UTC'; select extract(epoch from now() - last_seen)::float8 from {table} where user_id = '{user}'");

    private Task<string?> StatusAsync(string table, string user) => _database.ScalarAsync<string>($"select status::text from {table} where user_id = '{user}'");

    private Task<bool> TypesAsync(string user) => _database.ScalarAsync<bool>($"select is_typing from user_presence where user_id = '{user}'");

    // The app's own sweep may be at it just now, and this one then does nothing; waiting for its lock waits for it.
    private async Task SweepAsync()
    {
        await _app.Service<PresenceTableSweep>().SweepAsync(isSilenceDue: true, CancellationToken.None);
        await _database.ExecuteAsync($"select pg_advisory_lock({Database.AdvisoryLocks.PresenceSweep}, 1), pg_advisory_unlock({Database.AdvisoryLocks.PresenceSweep}, 1)");
        await _app.Service<PresenceTableSweep>().SweepAsync(isSilenceDue: true, CancellationToken.None);
    }
}
