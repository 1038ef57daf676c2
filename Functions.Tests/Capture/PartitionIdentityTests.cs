using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>What is taken for an old row where partitions are published as their root: what the partition logged, whatever the root declares.</summary>
public sealed class PartitionIdentityTests : IAsyncLifetime
{
    private const string Large = "repeat('x', 5000)";

    private readonly RecordingBus _bus = new();
    private CaptureDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await CaptureDatabase.CreateAsync("create publication supabase_realtime for all tables with (publish_via_partition_root = true)");
        await _database.ExecuteAsync(
            """
            create table t (id int, k int, code text not null, big text, primary key (id, k), unique (code, k)) partition by range (k);
            create table t_1 partition of t for values from (0) to (10);
            create table t_2 (big text, code text not null, gone int, k int not null, id int not null);
            alter table t_2 drop gone;
            alter table t_1 alter big set storage external;
            """);
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task A_root_that_declares_full_over_a_partition_that_logs_keys_has_keys()
    {
        await _database.ExecuteAsync($"alter table t replica identity full; insert into t values (1, 1, 'a', {Large}), (2, 1, 'b', null)");
        await _database.StartAsync(_bus);

        Images(await ChangeAsync("update t set id = 3 where id = 1")).Should().Be("""{"id":1,"k":1} -> {"id":3,"k":1,"code":"a"}""");
        var delete = await ChangeAsync("delete from t where id = 3");
        Images(delete).Should().Be("""{"id":3,"k":1} -> """);
        delete.Old!.IsComplete.Should().BeFalse();
        delete.Relation.Identity.Should().Be(ReplicaIdentity.Default);
    }

    [Fact]
    public async Task A_partition_that_logs_whole_rows_has_whole_rows_whatever_its_root_declares()
    {
        await _database.ExecuteAsync($"alter table t_1 replica identity full; insert into t values (1, 1, 'a', {Large}), (2, 1, 'b', null)");
        await _database.StartAsync(_bus);

        var update = await ChangeAsync("update t set id = 3 where id = 1");
        update.New!.IsComplete.Should().BeTrue();
        update.Relation.Identity.Should().Be(ReplicaIdentity.Full);
        Images(await ChangeAsync("delete from t where id = 2")).Should().Be("""{"id":2,"k":1,"code":"b","big":null} -> """);
    }

    [Fact]
    public async Task What_a_partition_logged_before_it_was_altered_is_taken_as_it_was_logged()
    {
        await _database.ExecuteAsync("alter table t replica identity full; insert into t values (1, 1, 'a', null), (2, 1, 'b', null)");
        await _database.StartAsync(_bus);

        // One transaction, so that the catalog has the later identity when the stream tells of the earlier change.
        await _database.ExecuteAsync("delete from t where id = 1; alter table t_1 replica identity full; delete from t where id = 2");

        Images(await _bus.NextAsync()).Should().Be("""{"id":1,"k":1} -> """);
        Images(await _bus.NextAsync()).Should().Be("""{"id":2,"k":1,"code":"b","big":null} -> """);
    }

    [Fact]
    public async Task A_partition_that_comes_later_counts_from_its_first_change()
    {
        await _database.ExecuteAsync("alter table t replica identity full; alter table t_1 replica identity full; insert into t values (1, 1, 'a', null), (2, 1, 'b', null)");
        await _database.StartAsync(_bus);
        Images(await ChangeAsync("delete from t where id = 1")).Should().Be("""{"id":1,"k":1,"code":"a","big":null} -> """);

        await _database.ExecuteAsync("alter table t attach partition t_2 for values from (10) to (20)");
        Images(await ChangeAsync("insert into t values (5, 11, 'e', 'x')")).Should().Be(""" -> {"id":5,"k":11,"code":"e","big":"x"}""");
        Images(await ChangeAsync("delete from t where id = 5")).Should().Be("""{"id":5,"k":11} -> """);
        Images(await ChangeAsync("delete from t where id = 2")).Should().Be("""{"id":2,"k":1} -> """, "one description serves all partitions, so it promises what each of them has");
    }

    [Fact]
    public async Task A_key_is_what_every_partition_logs_of_it()
    {
        await _database.ExecuteAsync("alter table t attach partition t_2 for values from (10) to (20); insert into t values (1, 1, 'a', null), (5, 11, 'e', null)");
        await _database.ExecuteAsync("do $$ begin execute 'alter table t_2 replica identity using index ' || (select i.indexrelid::regclass from pg_index i where i.indrelid = 't_2'::regclass and not i.indisprimary); end $$");
        await _database.StartAsync(_bus);

        Images(await ChangeAsync("delete from t where id = 1")).Should().Be("""{"id":1,"k":1} -> """);
        Images(await ChangeAsync("delete from t where id = 5")).Should().Be("""{"k":11} -> """);
    }

    private static string Images(RowChange change) =>
        $"{(change.Old is { } old ? RecordingBus.Text(old) : "")} -> {(change.New is { } row ? RecordingBus.Text(row) : "")}";

    private async Task<RowChange> ChangeAsync(string sql)
    {
        await _database.ExecuteAsync(sql);
        return await _bus.NextAsync();
    }
}
