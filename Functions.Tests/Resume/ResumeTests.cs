using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Serverless.ChangeLog;
using Serverless.Changes;
using Serverless.Support;

namespace Serverless.Resume;

/// <summary>A client that was away is given what it missed, as its present token lets it, or is told that this cannot be done.</summary>
public sealed class ResumeTests : IAsyncLifetime
{
    private const string Ann = "11111111-1111-4111-8111-111111111111";
    private const string Bob = "22222222-2222-4222-8222-222222222222";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database, "--ChangeLog:Retention=00:00:10");
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key, owner uuid, title text);
            grant select on todos to anon, authenticated;
            alter table todos enable row level security;
            create policy own on todos for select using (owner = auth.uid() or owner is null);
            select serverless_realtime.enable('todos', true);
            create table quiet (id int primary key);
            grant select on quiet to anon;
            select serverless_realtime.enable('quiet', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task What_was_committed_between_two_sessions_is_given_in_order_and_as_the_caller_may_see_it()
    {
        var away = await LeaveAsync(Ann, new { table = "todos", filter = "title=neq.hidden" });
        await InsertAsync("(1, null, 'a'), (2, null, 'hidden')", $"(3, '{Bob}', 'his')", $"(4, '{Ann}', 'hers')");
        await _database.ExecuteAsync("update todos set title = 'b' where id = 1; delete from todos where id = 4");
        await SettleAsync();

        await using var back = await Returned.JoinAsync(_app, Ann, new { table = "todos", filter = "title=neq.hidden" });
        var missed = await back.ResumeAsync(away);

        missed.Changes.Select(change => $"{change.GetProperty("type")} {Id(change)}").Should().Equal("INSERT 1", "INSERT 4", "UPDATE 1", "DELETE 4");
        missed.Gap.Should().BeNull();
        (await back.ResumeAsync(missed.End)).Changes.Should().BeEmpty("everything was given");
    }

    [Fact]
    public async Task Rights_that_were_lost_meanwhile_hold_for_what_was_missed_too()
    {
        var away = await LeaveAsync(Ann, new { table = "todos" });
        await InsertAsync($"(1, '{Ann}', 'a')", "(2, null, 'b')");
        await SettleAsync();
        await _database.ExecuteAsync("drop policy own on todos; create policy none on todos for select using (owner is null)");

        await using var back = await Returned.JoinAsync(_app, Ann, new { table = "todos" });

        (await back.ResumeAsync(away)).Changes.Select(Id).Should().Equal(2);
    }

    [Fact]
    public async Task More_than_fits_into_one_answer_comes_in_several()
    {
        var away = await LeaveAsync(Ann, new { table = "todos" });
        await _database.ExecuteAsync("insert into todos select i, null, repeat('x', 2000) from generate_series(1, 6000) i");
        await _database.ExecuteAsync("insert into quiet select generate_series(1, 10)");
        await SettleAsync();

        await using var back = await Returned.JoinAsync(_app, Ann, new { table = "todos" });
        var missed = await back.ResumeAsync(away);

        missed.Pages.Should().BeGreaterThan(2);
        missed.Changes.Select(Id).Should().Equal(Enumerable.Range(1, 6000));
    }

    [Fact]
    public async Task While_rows_are_written_nothing_falls_between_what_is_given_and_what_is_sent()
    {
        using var stop = new CancellationTokenSource();
        var away = await LeaveAsync(Ann, new { table = "todos" });
        var writing = Task.Run(async () =>
        {
            var id = 0;
            while (!stop.IsCancellationRequested)
            {
                await _database.ExecuteAsync($"insert into todos values ({++id}, null, 'x'), ({++id}, '{Ann}', 'y')");
            }

            return id;
        });
        var seen = new SortedDictionary<ChangePosition, int>();
        for (var round = 0; round < 8; round++)
        {
            await using var back = await Returned.JoinAsync(_app, Ann, new { table = "todos" });
            var missed = await back.ResumeAsync(away);
            missed.Gap.Should().BeNull();
            missed.Changes.ForEach(change => seen.TryAdd(PositionOf(change), Id(change)));
            away = missed.End;

            // What came live meanwhile lies behind what was given, or is a repeat of it.
            foreach (var change in await back.Client.ChangesAsync(back.Id, 4))
            {
                var expected = away.After(PositionOf(change));
                seen.TryAdd(PositionOf(change), Id(change));
                away = expected;
            }
        }

        await stop.CancelAsync();
        var last = await writing;
        await SettleAsync();
        await using var end = await Returned.JoinAsync(_app, Ann, new { table = "todos" });
        (await end.ResumeAsync(away)).Changes.ForEach(change => seen.TryAdd(PositionOf(change), Id(change)));

        seen.Values.Should().Equal(Enumerable.Range(1, last));
    }

    [Fact]
    public async Task A_change_that_is_older_than_the_window_is_a_gap_for_its_own_table_alone()
    {
        var (busy, quiet) = (await LeaveAsync(Ann, new { table = "todos" }), await LeaveAsync(null, new { table = "quiet" }));
        await InsertAsync("(1, null, 'a')");
        await SettleAsync();
        await _database.ExecuteAsync("update serverless_realtime.change_log set logged_at = now() - interval '1 hour'");
        (await _app.App.Services.GetRequiredService<ChangeLogTrim>().TrimAsync(CancellationToken.None)).Should().BePositive();
        await InsertAsync("(2, null, 'b')");
        await SettleAsync();

        await using var back = await Returned.JoinAsync(_app, Ann, new { table = "todos" });
        var missed = await back.ResumeAsync(busy);
        missed.Gap.Should().Be("WindowPassed");
        missed.Changes.Should().BeEmpty();
        (await back.ResumeAsync(missed.End)).Gap.Should().BeNull("the gap's cursor goes on from the present");

        await using var other = await Returned.JoinAsync(_app, null, new { table = "quiet" });
        (await other.ResumeAsync(quiet)).Gap.Should().BeNull();
    }

    [Fact]
    public async Task A_hole_behind_the_cursor_is_mended_as_far_back_as_the_log_goes()
    {
        var early = await LeaveAsync(Ann, new { table = "todos" });
        await InsertAsync("(1, null, 'a')");
        await SettleAsync();
        var late = (await LeaveAsync(Ann, new { table = "todos" })).After(early.Cursor);

        await using var back = await Returned.JoinAsync(_app, Ann, new { table = "todos" });
        (await back.ResumeAsync(late)).Changes.Select(Id).Should().Equal(1);

        await _database.ExecuteAsync("update serverless_realtime.change_log set logged_at = now() - interval '1 hour'");
        await _app.App.Services.GetRequiredService<ChangeLogTrim>().TrimAsync(CancellationToken.None);
        var missed = await back.ResumeAsync(late);
        (missed.Gap, missed.Changes.Count).Should().Be((null, 0), "up to the cursor everything was sent");
    }

    [Fact]
    public async Task What_is_more_than_the_log_may_hold_goes_first()
    {
        await InsertAsync("(1, null, 'a')", "(2, null, 'b')");
        await SettleAsync();
        var trim = new ChangeLogTrim(_app.App.Services.GetRequiredService<Npgsql.NpgsqlDataSource>(), Microsoft.Extensions.Options.Options.Create(new ChangeLogOptions { MaxBytes = 1 }));

        (await trim.TrimAsync(CancellationToken.None)).Should().BePositive();

        (await _database.ScalarAsync<long>("select count(*) from serverless_realtime.change_log")).Should().Be(0);
    }

    [Fact]
    public async Task A_slot_that_was_lost_is_a_gap()
    {
        var away = await LeaveAsync(Ann, new { table = "todos" });
        await Eventually.HoldsAsync(async () =>
        {
            await _database.ExecuteAsync($"select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '{_database.Slot}' and active_pid is not null");
            try
            {
                return await _database.ScalarAsync<bool>($"select pg_drop_replication_slot('{_database.Slot}') is not null");
            }
            catch (Npgsql.PostgresException ex) when (ex.SqlState == Npgsql.PostgresErrorCodes.ObjectInUse)
            {
                return false;
            }
        });
        await _database.WaitForSlotAsync();
        await Eventually.HoldsAsync(async () => await _database.ScalarAsync<string>("select epoch from serverless_realtime.capture_cursor()") != away.Epoch);

        await using var back = await Returned.JoinAsync(_app, Ann, new { table = "todos" });

        (await back.ResumeAsync(away)).Gap.Should().Be("EpochChanged");
    }

    [Fact]
    public async Task A_log_that_a_crash_has_emptied_is_a_gap_and_a_quiet_one_is_none()
    {
        var away = await LeaveAsync(Ann, new { table = "todos" });
        await using (var calm = await Returned.JoinAsync(_app, Ann, new { table = "todos" }))
        {
            (await calm.ResumeAsync(away)).Gap.Should().BeNull("nothing has happened");
        }

        // What a crash does to unlogged tables.
        await _database.ExecuteAsync("truncate serverless_realtime.change_log, serverless_realtime.partition_state, serverless_realtime.log_watermark, serverless_realtime.log_trim");

        await using var back = await Returned.JoinAsync(_app, Ann, new { table = "todos" });
        var missed = await back.ResumeAsync(away);
        missed.Gap.Should().Be("LogEmptied");
        (await back.ResumeAsync(missed.End)).Gap.Should().BeNull();
    }

    [Fact]
    public async Task Everybody_is_told_how_far_the_sending_has_come()
    {
        await using var client = await Returned.JoinAsync(_app, Ann, new { table = "todos" });
        await InsertAsync("(1, null, 'a')");
        var change = (await client.Client.ChangesAsync(client.Id, 1))[0];

        JsonElement progress;
        do
        {
            progress = (await client.Client.Hub.NextAsync("progress", RealtimeClient.Limit))[0];
        }
        while (PositionOf(progress) < PositionOf(change));

        progress.GetProperty("epoch").GetString().Should().Be(client.Cursor.Epoch);
    }

    public static TheoryData<object> Wrong => new()
    {
        new { channels = Array.Empty<object>() },
        new { channels = new[] { new { topic = "room", subscriptions = new[] { new { id = 1 } } } } },
        new { channels = new[] { new { topic = "room", subscriptions = new[] { new { id = 1, epoch = "1-1-1", position = "here" } } } } },
        new { channels = new[] { new { topic = "room", subscriptions = new[] { new { id = 1, epoch = "1-1-1", position = "0/1:0", tables = new[] { new { schema = "public" } } } } } } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_call_that_makes_no_sense_is_refused(object body)
    {
        await using var client = await Returned.JoinAsync(_app, Ann, new { table = "todos" });

        using var response = await client.Client.PostAsync("resume", body);

        response.StatusCode.Should().Be(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Another_sessions_subscription_cannot_be_resumed()
    {
        await using var ann = await Returned.JoinAsync(_app, Ann, new { table = "todos" });
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);

        using var response = await client.PostAsync("resume", new { channels = new[] { Body(ann.Cursor, ann.Id) } });

        var answer = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("channels")[0];
        answer.GetProperty("code").GetString().Should().Be("TopicNotJoined");
        answer.TryGetProperty("messages", out _).Should().BeFalse();
    }

    internal static object Body(Place place, long id) => new
    {
        topic = Returned.Topic,
        subscriptions = new[] { new { id, epoch = place.Epoch, position = place.Cursor.ToString(), tables = place.Tables.Select(table => new { schema = "public", table = table.Key, position = table.Value.ToString() }) } },
    };

    internal static ChangePosition PositionOf(JsonElement change) =>
        ChangePosition.TryParse(change.GetProperty("position").GetString(), out var position) ? position : throw new FormatException();

    private static int Id(JsonElement change) =>
        (change.TryGetProperty("record", out var record) ? record : change.GetProperty("old_record")).GetProperty("id").GetInt32();

    private async Task<Place> LeaveAsync(string? subject, object subscription)
    {
        await using var client = await Returned.JoinAsync(_app, subject, subscription);
        return client.Cursor;
    }

    private async Task InsertAsync(params string[] rows)
    {
        foreach (var row in rows)
        {
            await _database.ExecuteAsync($"insert into todos values {row}");
        }
    }

    // Waits until everything that is committed now is in the log.
    private async Task SettleAsync()
    {
        var last = await _database.ScalarAsync<string>("select pg_current_wal_insert_lsn()::text");
        await Eventually.HoldsAsync(async () =>
            await _database.ScalarAsync<bool>($"select confirmed_flush_lsn >= '{last}' from pg_replication_slots where slot_name = '{_database.Slot}'"));
    }
}
