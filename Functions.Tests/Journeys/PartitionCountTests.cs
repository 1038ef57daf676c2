using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Serverless.Bus;
using Serverless.Changes;
using Serverless.Subscriptions.Matching;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>
/// A restart with another number of partitions brings tables together that were apart. One of them had fallen behind; how far the other one had come says nothing of it.
/// </summary>
public sealed class PartitionCountTests : IAsyncLifetime
{
    private static readonly string _leading = NameIn(partition: 0);
    private static readonly string _lagging = NameIn(partition: 1);

    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task A_table_that_lagged_loses_nothing_to_another_number_of_partitions()
    {
        await LeaveOneBehindAsync();

        // Nothing is handled until a client is there to see it.
        await using var connection = await _database.DataSource.OpenConnectionAsync();
        await using var held = await connection.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("lock table serverless_realtime.partition_state in access exclusive mode", connection, held))
        {
            await hold.ExecuteNonQueryAsync();
        }

        await using var app = await RealtimeTestApp.StartAsync(_database, "--Realtime:Partitions=1");
        await Eventually.HoldsAsync(() => app.App.Services.GetRequiredService<ChangeFeed>().ReachesThisProcess);
        await using var client = await RealtimeClient.ConnectAsync(app.Url);
        var lagging = await client.JoinAsync("room", new { table = _lagging });
        await _database.ExecuteAsync($"insert into {_lagging} values (3)");
        await held.CommitAsync();

        var changes = await client.ChangesAsync(lagging[0], 3);
        changes.Select(change => change.GetProperty("record").GetProperty("id").GetInt32()).Should().Equal(1, 2, 3);
    }

    // With four partitions: the one table's changes are sent, the other's were committed before and are refused.
    private async Task LeaveOneBehindAsync()
    {
        await using var app = await RealtimeTestApp.StartAsync(_database, ObservedDelivery.Install, "--Realtime:Partitions=4");
        await _database.ExecuteAsync(
            $"""
            create table {_leading} (id int primary key);
            create table {_lagging} (id int primary key);
            grant select on {_leading}, {_lagging} to anon;
            select serverless_realtime.enable('{_leading}', true), serverless_realtime.enable('{_lagging}', true);
            """);
        await using var client = await RealtimeClient.ConnectAsync(app.Url);
        var ids = await client.JoinAsync("room", new { table = _leading }, new { table = _lagging });
        app.App.Services.GetRequiredService<ObservedDelivery>().Sending = (group, _) =>
            group == SubscriberGroup.NameOf(ids[1]) ? throw new InvalidOperationException("Refused by the test.") : Task.CompletedTask;

        await _database.ExecuteAsync($"insert into {_lagging} values (1); insert into {_lagging} values (2)");
        await _database.ExecuteAsync($"insert into {_leading} values (1)");
        (await client.ChangesAsync(ids[0], 1)).Should().HaveCount(1);
        await Eventually.HoldsAsync(() => _database.ScalarAsync<bool>("select exists (select from serverless_realtime.partition_state where sent is not null)"));
    }

    private static string NameIn(int partition) => Enumerable.Range(0, 1000)
        .Select(number => string.Create(CultureInfo.InvariantCulture, $"t{number}"))
        .First(name => TablePartition.Of(new Relation(0, "public", name, ReplicaIdentity.Default, [], []), 4) == partition);
}
