using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>What old and new images carry under each replica identity, and what the log leaves out of them.</summary>
public sealed class ReplicaIdentityTests : IAsyncLifetime
{
    private const string Large = "(select string_agg(md5(n::text), '') from generate_series(1, 500) n)";

    private readonly RecordingBus _bus = new();
    private CaptureDatabase _database = null!;

    public async Task InitializeAsync() => _database = await CaptureDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task An_update_carries_its_key_also_where_the_key_stays()
    {
        await CreateAsync("create table t (id int primary key, name text)", "insert into t values (1, 'a')");

        var stays = await ChangeAsync("update t set name = 'b'");
        var moves = await ChangeAsync("update t set id = 2");

        Images(stays).Should().Be("""{"id":1} -> {"id":1,"name":"b"}""");
        Images(moves).Should().Be("""{"id":1} -> {"id":2,"name":"b"}""");
        stays.Old!.IsComplete.Should().BeFalse();
    }

    [Fact]
    public async Task A_delete_carries_its_key_alone()
    {
        await CreateAsync("create table t (name text, b int, a int, primary key (a, b))", "insert into t values ('x', 1, 2)");

        Images(await ChangeAsync("delete from t")).Should().Be("""{"b":1,"a":2} -> """);
    }

    [Fact]
    public async Task Under_full_the_whole_old_row_comes_and_the_key_is_the_primary_key()
    {
        await CreateAsync("create table t (id int primary key, name text); alter table t replica identity full", "insert into t values (1, null)");

        var update = await ChangeAsync("update t set name = 'b'");
        var delete = await ChangeAsync("delete from t");

        Images(update).Should().Be("""{"id":1,"name":null} -> {"id":1,"name":"b"}""");
        Images(delete).Should().Be("""{"id":1,"name":"b"} -> """);
        update.Relation.Identity.Should().Be(ReplicaIdentity.Full);
        update.Relation.Columns.Select(column => column.IsKey).Should().Equal(true, false);
    }

    [Fact]
    public async Task Under_an_index_its_columns_are_the_key()
    {
        await CreateAsync(
            "create table t (id int primary key, code text not null unique); alter table t replica identity using index t_code_key",
            "insert into t values (1, 'a')");

        Images(await ChangeAsync("update t set id = 2")).Should().Be("""{"code":"a"} -> {"id":2,"code":"a"}""");
        Images(await ChangeAsync("update t set code = 'b'")).Should().Be("""{"code":"a"} -> {"id":2,"code":"b"}""");
        var delete = await ChangeAsync("delete from t");
        Images(delete).Should().Be("""{"code":"b"} -> """);
        delete.Relation.Identity.Should().Be(ReplicaIdentity.Index);
    }

    [Fact]
    public async Task Without_an_identity_there_is_no_old_row_and_the_key_is_the_primary_one()
    {
        await CreateAsync("create table t (id int primary key, name text); alter table t replica identity nothing", "select 1");

        var insert = await ChangeAsync("insert into t values (1)");

        insert.Old.Should().BeNull();
        insert.Relation.Identity.Should().Be(ReplicaIdentity.Nothing);
        insert.Relation.Columns.Where(column => column.IsKey).Should().ContainSingle().Which.Name.Should().Be("id");
    }

    [Fact]
    public async Task A_large_value_that_an_update_leaves_alone_is_absent()
    {
        await CreateAsync("create table t (id int primary key, big text, name text)", $"insert into t values (1, {Large}, 'a')");

        var update = await ChangeAsync("update t set name = 'b'");

        Images(update).Should().Be("""{"id":1} -> {"id":1,"name":"b"}""");
        update.New!.Has(1).Should().BeFalse();
    }

    [Fact]
    public async Task Under_full_a_large_value_that_an_update_leaves_alone_comes_from_the_old_row()
    {
        await CreateAsync(
            "create table t (id int primary key, big text, name text); alter table t replica identity full", $"insert into t values (1, {Large}, 'a')");

        var update = await ChangeAsync("update t set name = 'b'");

        update.New!.IsComplete.Should().BeTrue();
        update.New.ValueOf(1).Length.Should().Be((500 * 32) + 2);
        update.Old!.ValueOf(1).SequenceEqual(update.New.ValueOf(1)).Should().BeTrue();
    }

    [Fact]
    public async Task A_large_key_that_an_update_leaves_alone_is_there()
    {
        // An index takes at most 2.7 kB: large enough to be moved out of the row where the table asks for it.
        await CreateAsync(
            "create table t (big text primary key, name text); alter table t alter big set storage external; alter table t set (toast_tuple_target = 128)",
            "insert into t select string_agg(md5(n::text), ''), 'a' from generate_series(1, 80) n");

        var update = await ChangeAsync("update t set name = 'b'");

        update.Old!.ValueOf(0).Length.Should().Be((80 * 32) + 2);
        update.New!.ValueOf(0).SequenceEqual(update.Old.ValueOf(0)).Should().BeTrue();
    }

    [Fact]
    public async Task Generated_columns_are_named_as_unstreamed()
    {
        await CreateAsync(
            "create table t (id int primary key, gone int, twice int generated always as (id * 2) stored, name text); alter table t drop gone", "select 1");

        var insert = await ChangeAsync("insert into t values (1, default, 'a')");

        RecordingBus.Text(insert.New!).Should().Be("""{"id":1,"name":"a"}""");
        insert.Relation.UnstreamedColumns.Should().Equal("twice");
    }

    [Fact]
    public async Task Columns_outside_the_publications_list_are_named_as_unstreamed()
    {
        if (await _database.ScalarAsync<int>("select current_setting('server_version_num')::int") < 150000)
        {
            return; // Column lists came with PostgreSQL 15.
        }

        await CreateAsync(
            "drop publication supabase_realtime; create table t (id int primary key, secret text, name text); create publication supabase_realtime for table t (id, name)",
            "insert into t values (1, 's', 'a')");

        var update = await ChangeAsync("update t set name = 'b'");

        Images(update).Should().Be("""{"id":1} -> {"id":1,"name":"b"}""");
        update.Relation.UnstreamedColumns.Should().Equal("secret");
    }

    [Fact]
    public async Task Names_that_need_escaping_are_escaped()
    {
        await CreateAsync("""create schema "A b"; create table "A b"."t""x" ("i\d" int primary key, "ü""\" text)""", "select 1");

        var insert = await ChangeAsync("""insert into "A b"."t""x" values (1, 'a')""");

        (insert.Relation.Schema, insert.Relation.Name).Should().Be(("A b", "t\"x"));
        RecordingBus.Text(insert.New!).Should().Be("""{"i\\d":1,"ü\"\\":"a"}""");
        insert.New!.ValueOf(1).SequenceEqual("\"a\""u8).Should().BeTrue();
    }

    private static string Images(RowChange change) =>
        $"{(change.Old is { } old ? RecordingBus.Text(old) : "")} -> {(change.New is { } row ? RecordingBus.Text(row) : "")}";

    /// <summary>Tables and rows that are there before the capture begins.</summary>
    private async Task CreateAsync(string tables, string rows)
    {
        await _database.ExecuteAsync(tables);
        await _database.ExecuteAsync(rows);
        await _database.StartAsync(_bus);
    }

    private async Task<RowChange> ChangeAsync(string sql)
    {
        await _database.ExecuteAsync(sql);
        return await _bus.NextAsync();
    }
}
