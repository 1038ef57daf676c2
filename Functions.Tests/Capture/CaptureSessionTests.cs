using Serverless.Changes;
using Serverless.Support;

namespace Serverless.Capture;

/// <summary>What is confirmed when, and what a session leaves to the next.</summary>
public sealed class CaptureSessionTests : IAsyncLifetime
{
    private readonly RecordingBus _bus = new();
    private CaptureDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await CaptureDatabase.CreateAsync();
        await _database.ExecuteAsync("create table items (id int primary key)");
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)] // The bus does not wait: the same look at the slot must see the difference.
    public async Task Nothing_is_confirmed_before_the_bus_says_that_it_is_safe(bool held)
    {
        var hold = held ? _bus.Hold() : null;
        await _database.StartAsync(_bus);

        await _database.ExecuteAsync("insert into items values (1)");
        var change = await _bus.NextAsync();
        await _database.ExecuteAsync("create table unrelated ()");
        await _database.WaitForRepliesAsync(4);

        (await ConfirmedAsync() > change.Position.Commit).Should().Be(!held);
        hold?.SetResult();
        await _database.WaitUntilAsync($"confirmed_flush_lsn > '{change.Position.Commit}'");
    }

    [Fact]
    public async Task A_later_batch_that_is_safe_does_not_confirm_an_earlier_one_that_is_not()
    {
        var hold = _bus.Hold();
        await _database.StartAsync(_bus);
        await _database.ExecuteAsync("insert into items values (1)");
        var first = await _bus.NextAsync();

        var secondHold = _bus.Hold();
        await _database.ExecuteAsync("insert into items values (2)");
        var second = await _bus.NextAsync();
        secondHold.SetResult();
        await _database.WaitForRepliesAsync(4);

        // A transaction is streamed again unless more than the start of its commit is confirmed, and a keepalive may have named just that.
        (await ConfirmedAsync()).Should().BeLessThanOrEqualTo(first.Position.Commit);
        hold.SetResult();
        await _database.WaitUntilAsync($"confirmed_flush_lsn > '{second.Position.Commit}'");
    }

    [Fact]
    public async Task Writes_that_are_not_published_are_confirmed_when_idle()
    {
        await using var database = await CaptureDatabase.CreateAsync("create table other (id int); create publication supabase_realtime");
        await database.StartAsync(_bus);

        await database.ExecuteAsync("insert into other select generate_series(1, 10000)");
        var end = await database.ScalarAsync<string>("select pg_current_wal_lsn()::text");

        await database.WaitUntilAsync($"confirmed_flush_lsn >= '{end}'");
    }

    [Fact]
    public async Task What_was_not_confirmed_comes_again_at_the_same_positions()
    {
        var confirmed = await StreamAsync("insert into items values (1)");
        await _database.WaitUntilAsync($"confirmed_flush_lsn > '{confirmed.Position.Commit}'");
        _bus.Hold();
        await _database.ExecuteAsync("insert into items values (2), (3)");
        await _database.ExecuteAsync("insert into items values (4)");
        var before = await _bus.NextAsync(3);
        var epoch = _bus.Epoch;
        await _database.StopAsync(_service!);
        await _database.ExecuteAsync("insert into items values (5)");

        var nextBus = new RecordingBus();
        await _database.StartAsync(nextBus);
        var after = await nextBus.NextAsync(4);

        after.Take(3).Select(change => change.Position).Should().Equal(before.Select(change => change.Position));
        after.Select(change => RecordingBus.Text(change.New!)).Should().Equal("""{"id":2}""", """{"id":3}""", """{"id":4}""", """{"id":5}""");
        nextBus.Epoch.Should().Be(epoch);
    }

    [Fact]
    public async Task A_batch_that_fails_is_streamed_again()
    {
        var hold = _bus.Hold();
        var first = await StreamAsync("insert into items values (1)");

        hold.SetException(new IOException("The bus has gone."));
        var again = await _bus.NextAsync();

        again.Position.Should().Be(first.Position);
    }

    [Fact]
    public async Task A_walsender_that_is_ended_is_replaced()
    {
        await StreamAsync("insert into items values (1)");

        await _database.ExecuteAsync($"select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '{_database.Database.Slot}'");
        await _database.ExecuteAsync("insert into items values (2)");

        (await UntilAsync("""{"id":2}""")).Should().NotBeNull();
    }

    [Fact]
    public async Task Every_connection_that_is_ended_is_replaced()
    {
        await StreamAsync("insert into items values (1)");

        await _database.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'serverless capture'");
        await _database.ExecuteAsync("insert into items values (2)");

        (await UntilAsync("""{"id":2}""")).Should().NotBeNull();
    }

    [Fact]
    public async Task A_slot_under_another_name_begins_a_new_epoch()
    {
        var service = await _database.StartAsync(_bus);
        await _database.ExecuteAsync("insert into items values (1)");
        await _bus.NextAsync();
        await _database.StopAsync(service);

        var bus = new RecordingBus();
        var slot = _database.Database.Slot + "_b";
        await _database.StartWithoutWaitingAsync(bus, capture => capture.Slot = slot);
        await Eventually.HoldsAsync(() => _database.ScalarAsync<bool>(
            $"select exists (select from pg_replication_slots where slot_name = '{slot}' and active and confirmed_flush_lsn is not null)"));
        await _database.ExecuteAsync("insert into items values (2)");

        (await bus.NextRowAsync()).Should().Contain("2");
        bus.Epoch.Should().NotBe(_bus.Epoch, "what was committed between the two slots is in neither");
    }

    [Fact]
    public async Task A_slot_made_anew_begins_a_new_epoch()
    {
        await StreamAsync("insert into items values (1)");
        var epoch = _bus.Epoch!;
        await _database.StopAsync(_service!);
        await _database.ExecuteAsync($"select pg_drop_replication_slot('{_database.Database.Slot}')");

        await StreamAsync("insert into items values (2)");

        epoch.Should().EndWith("-1");
        _bus.Epoch.Should().Be(epoch[..^1] + "2");
    }

    [Fact]
    public async Task A_missing_publication_is_waited_for()
    {
        await _database.ExecuteAsync("drop publication supabase_realtime");
        var log = new RecordingLog();
        await _database.StartWithoutWaitingAsync(_bus, logs: log);
        await log.WaitForAsync("PublicationMissing");

        await _database.ExecuteAsync("create publication supabase_realtime for all tables");
        await _database.WaitUntilStreamingAsync();
        await _database.ExecuteAsync("insert into items values (1)");

        (await _bus.NextRowAsync()).Should().Be("""{"id":1}""");
    }

    [Fact]
    public async Task A_publication_made_anew_costs_a_gap_and_not_the_capture()
    {
        await StreamAsync("insert into items values (1)");
        var epoch = _bus.Epoch!;
        await _database.StopAsync(_service!);
        await _database.ExecuteAsync("drop publication supabase_realtime");
        await _database.ExecuteAsync("insert into items values (2)");
        await _database.ExecuteAsync("create publication supabase_realtime for all tables");

        var log = new RecordingLog();
        await _database.StartWithoutWaitingAsync(_bus, logs: log);
        await log.WaitForAsync("SlotUnreadable");
        await log.WaitForAsync("SlotCreated");
        await _database.ExecuteAsync("insert into items values (3)");

        (await UntilAsync("""{"id":3}""")).Should().NotBeNull();
        _bus.Epoch.Should().NotBe(epoch);
    }

    [Fact]
    public async Task A_slot_of_another_kind_is_left_alone_and_named()
    {
        await _database.ExecuteAsync($"select pg_create_logical_replication_slot('{_database.Database.Slot}', 'test_decoding')");
        var log = new RecordingLog();
        await _database.StartWithoutWaitingAsync(_bus, logs: log);

        (await log.WaitForAsync("SessionEnded")).Should().Contain("'test_decoding'").And.Contain("Capture:Slot");
        (await _database.ScalarAsync<string>("select plugin::text from pg_replication_slots where database = current_database()")).Should().Be("test_decoding");
    }

    private CaptureService? _service;

    private async Task<RowChange> StreamAsync(string sql)
    {
        _service = await _database.StartAsync(_bus);
        await _database.ExecuteAsync(sql);
        return await _bus.NextAsync();
    }

    /// <summary>Reads on until the row comes; a new session may repeat some before it.</summary>
    private async Task<RowChange> UntilAsync(string row)
    {
        while (true)
        {
            var change = await _bus.NextAsync();
            if (RecordingBus.Text(change.New!) == row)
            {
                return change;
            }
        }
    }

    private async Task<Lsn> ConfirmedAsync() =>
        Lsn.Parse((await _database.ScalarAsync<string>($"select confirmed_flush_lsn::text from pg_replication_slots where slot_name = '{_database.Database.Slot}'"))!);
}
