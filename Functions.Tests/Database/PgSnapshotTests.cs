using Serverless.Support;

namespace Serverless.Database;

public sealed class PgSnapshotTests
{
    [Fact]
    public void Sees_what_is_over_and_not_what_runs_or_is_yet_to_come()
    {
        var snapshot = PgSnapshot.Parse("100:110:100,105");
        snapshot.Sees(99).Should().BeTrue();
        snapshot.Sees(101).Should().BeTrue();
        snapshot.Sees(100).Should().BeFalse();
        snapshot.Sees(105).Should().BeFalse();
        snapshot.Sees(110).Should().BeFalse();
        snapshot.Sees(111).Should().BeFalse();
    }

    [Fact]
    public void Short_ids_are_extended_to_the_nearest_epoch()
    {
        // Ids just before and after the 32-bit counter wrapped for the first time.
        var snapshot = PgSnapshot.Parse("4294967290:4294967300:");
        snapshot.Sees(uint.MaxValue - 6).Should().BeTrue();
        snapshot.Sees(3).Should().BeTrue();
        snapshot.Sees(4).Should().BeFalse();
        snapshot.Sees(1000).Should().BeFalse();
    }

    [Fact]
    public async Task Agrees_with_pg_visible_in_snapshot()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync("create table x (i int)");
        await using var running = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await running.BeginTransactionAsync();
        await using var insert = new Npgsql.NpgsqlCommand("insert into x values (1)", running);
        await insert.ExecuteNonQueryAsync();
        await database.ExecuteAsync("insert into x values (2)");

        var text = (await database.ScalarAsync<string>("select pg_current_snapshot()::text"))!;
        var snapshot = PgSnapshot.Parse(text);
        for (var xid = snapshot.Xmin - 3; xid < snapshot.Xmax + 3; xid++)
        {
            var expected = await database.ScalarAsync<bool>($"select pg_visible_in_snapshot('{xid}'::xid8, '{text}'::pg_snapshot)");
            snapshot.Sees((uint)xid).Should().Be(expected, "transaction {0} in {1}", xid, text);
        }
    }
}
