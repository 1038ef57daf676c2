using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>Order, positions, batches and what the stream leaves out.</summary>
public sealed class CaptureStreamTests : IAsyncLifetime
{
    private readonly RecordingBus _bus = new();
    private CaptureDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await CaptureDatabase.CreateAsync();
        await _database.ExecuteAsync("create table items (id int primary key, name text)");
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task A_change_tells_its_commit_and_its_transaction()
    {
        await _database.StartAsync(_bus);

        var xid = await _database.ScalarAsync<string>("with i as (insert into items values (1, 'one')) select pg_current_xact_id()::text");
        var change = await _bus.NextAsync();

        change.Relation.ToString().Should().Be("public.items");
        change.Relation.Columns.Should().Equal(new Column("id", 23, "int4", IsKey: true) { Number = 1 }, new Column("name", 25, "text", IsKey: false) { Number = 2 });
        change.Kind.Should().Be(ChangeKind.Insert);
        change.Xid.ToString().Should().Be(xid);
        change.CommittedAt.Kind.Should().Be(DateTimeKind.Utc);
        change.CommittedAt.Should().BeAfter(await _database.ScalarAsync<DateTime>("select pg_postmaster_start_time()"));
        change.Position.Commit.Should().BeLessThan(Lsn.Parse((await _database.ScalarAsync<string>("select pg_current_wal_lsn()::text"))!));
        RecordingBus.Text(change.New!).Should().Be("""{"id":1,"name":"one"}""");
    }

    [Fact]
    public async Task A_large_transaction_arrives_whole_and_in_order_in_full_batches()
    {
        await _database.StartAsync(_bus);

        await _database.ExecuteAsync("insert into items select n, 'row ' || n from generate_series(0, 9999) n");
        var changes = await _bus.NextAsync(10_000);

        changes.Select(change => change.Position.Index).Should().Equal(Enumerable.Range(0, 10_000));
        changes.Select(change => change.Position.Commit).Distinct().Should().ContainSingle();
        changes.Select(change => RecordingBus.Text(change.New!)).Should().Equal(Enumerable.Range(0, 10_000).Select(n => $$"""{"id":{{n}},"name":"row {{n}}"}"""));
        _bus.BatchesRead.Should().Be(20);
    }

    [Fact]
    public async Task Many_small_transactions_arrive_in_commit_order_with_growing_positions()
    {
        await _database.StartAsync(_bus);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => _database.ExecuteAsync($"""
            do $$ begin for n in 1..500 loop insert into items values ({writer} * 1000 + n, null); commit; end loop; end $$
            """)));
        var changes = await _bus.NextAsync(2000);

        changes.Zip(changes.Skip(1)).Should().OnlyContain(pair => pair.First.Position < pair.Second.Position);
        changes.Select(change => RecordingBus.Text(change.New!)).Distinct().Should().HaveCount(2000);
    }

    [Fact]
    public async Task A_batch_is_bounded_in_bytes_and_a_larger_change_travels_alone()
    {
        await _database.StartAsync(_bus, options => options.BatchBytes = 1000);

        await _database.ExecuteAsync("insert into items select n, repeat('x', case n when 3 then 5000 else 300 end) from generate_series(1, 6) n");
        var batches = new List<int>();
        for (var n = 1; n <= 6; n++)
        {
            await _bus.NextAsync();
            batches.Add(_bus.BatchesRead);
        }

        batches.Should().Equal(1, 1, 2, 3, 3, 3);
    }

    [Fact]
    public async Task Reading_stops_while_too_much_is_outstanding_and_goes_on_after()
    {
        var held = _bus.Hold();
        await _database.StartAsync(_bus, options => (options.BatchChanges, options.OutstandingBatches) = (1, 2));
        await _database.ExecuteAsync("insert into items select n, null from generate_series(1, 5) n");
        await _bus.NextAsync(2);
        await _database.WaitForRepliesAsync(2);

        var third = _bus.NextAsync();

        third.IsCompleted.Should().BeFalse();
        held.SetResult();
        (await third).Position.Index.Should().Be(2);
        (await _bus.NextAsync(2)).Select(change => change.Position.Index).Should().Equal(3, 4);
    }

    [Fact]
    public async Task Changes_of_our_own_schema_are_left_out_but_counted()
    {
        await _database.ExecuteAsync("create table serverless_realtime.log (id int primary key)");
        await _database.StartAsync(_bus);

        await _database.ExecuteAsync("begin; insert into serverless_realtime.log values (1), (2); insert into items values (1, 'a'); truncate serverless_realtime.log; truncate items; commit");
        var changes = await _bus.NextAsync(2);

        changes.Select(change => (change.Relation.Name, change.Kind, change.Position.Index))
            .Should().Equal(("items", ChangeKind.Insert, 2), ("items", ChangeKind.Truncate, 4));
    }

    [Fact]
    public async Task A_truncation_is_one_change_for_each_table()
    {
        await _database.ExecuteAsync("create table parts (id int primary key)");
        await _database.StartAsync(_bus);

        await _database.ExecuteAsync("truncate items, parts");
        var changes = await _bus.NextAsync(2);

        changes.Should().OnlyContain(change => change.Kind == ChangeKind.Truncate && change.New == null && change.Old == null);
        changes.Select(change => (change.Relation.Name, change.Position.Index)).Should().BeEquivalentTo([("items", 0), ("parts", 1)]);
    }

    [Fact]
    public async Task A_table_altered_in_between_is_described_anew()
    {
        await _database.StartAsync(_bus);

        await _database.ExecuteAsync("insert into items values (1, 'a')");
        await _database.ExecuteAsync("alter table items rename column name to title; alter table items add done bool default true");
        await _database.ExecuteAsync("insert into items values (2, 'b')");

        (await _bus.NextRowAsync()).Should().Be("""{"id":1,"name":"a"}""");
        (await _bus.NextRowAsync()).Should().Be("""{"id":2,"title":"b","done":true}""");
    }

    [Fact]
    public async Task A_composite_type_altered_in_between_is_looked_up_anew()
    {
        await _database.ExecuteAsync("create type pair as (a int, b text); create table pairs (id int primary key, p pair)");
        await _database.StartAsync(_bus);

        await _database.ExecuteAsync("insert into pairs values (1, row(1, 'x'))");
        (await _bus.NextRowAsync()).Should().Be("""{"id":1,"p":{"a":1,"b":"x"}}""");
        await _database.ExecuteAsync("alter type pair add attribute c bool");
        await _database.ExecuteAsync("insert into pairs values (2, row(2, 'y', true))");

        (await _bus.NextRowAsync()).Should().Be("""{"id":2,"p":{"a":2,"b":"y","c":true}}""");
    }

    [Fact]
    public async Task A_table_dropped_before_it_is_read_still_gives_its_changes()
    {
        await _database.StopAsync(await _database.StartAsync(_bus));
        await _database.ExecuteAsync("create type mood as enum ('glad'); create table gone (id int primary key, m mood); alter table gone replica identity full");
        await _database.ExecuteAsync("insert into gone values (1, 'glad')");
        await _database.ExecuteAsync("drop table gone; drop type mood");

        await _database.StartAsync(_bus);

        (await _bus.NextRowAsync()).Should().Be("""{"id":1,"m":"glad"}""");
    }
}
