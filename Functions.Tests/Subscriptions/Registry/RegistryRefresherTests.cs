using Npgsql;
using Serverless.Subscriptions.Matching;
using Serverless.Support;

namespace Serverless.Subscriptions.Registry;

/// <summary>
/// When a refresh reads everything anew and when it reads on. Which of the two it was is told by a subscription that only the index has: to read on leaves it,
/// to read everything takes it out.
/// </summary>
public sealed class RegistryRefresherTests : IAsyncLifetime
{
    private const long Stranger = 1_000_000;

    private readonly SubscriptionIndex _index = new();
    private readonly LeapingTime _time = new();
    private RegistryDatabase _registry = null!;
    private RegistryRefresher _refresher = null!;

    public async Task InitializeAsync()
    {
        _registry = await RegistryDatabase.CreateAsync();
        _refresher = new RegistryRefresher(new RegistryReader(_registry.Database.DataSource), _index, _time);
        await RefreshAsync();
        AddStranger();
    }

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task A_long_transaction_elsewhere_makes_no_refresh_a_full_one()
    {
        await using var connection = await _registry.Database.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var write = new NpgsqlCommand("select pg_current_xact_id()", connection, transaction))
        {
            await write.ExecuteScalarAsync();
        }

        await RefreshAsync();
        var (leaves, stays) = (Guid.NewGuid(), Guid.NewGuid());
        var left = await _registry.JoinAsync(leaves, "todos", """{"sub":"ada"}""");
        await RefreshAsync();
        Groups().Should().Equal(Stranger, left);

        // Tombstones that are younger than the transaction, gone before it ends.
        await _registry.LeaveAsync(leaves);
        await RefreshAsync();
        await _registry.AgeTombstonesAsync();
        await _registry.SweepAsync();
        (await _registry.CountAsync("subscription")).Should().Be(0);
        var joined = await _registry.JoinAsync(stays, "todos");
        await RefreshAsync();

        Groups().Should().Equal(Stranger, joined);
    }

    [Fact]
    public async Task A_registration_that_commits_late_is_found_by_reading_on()
    {
        // Who is the first of a role holds up the second until it has committed.
        await _registry.JoinAsync(Guid.NewGuid(), "notes");
        await using var connection = await _registry.Database.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var late = await RegistryDatabase.JoinAsync(connection, Guid.NewGuid(), "todos", """{"sub":"late"}""");
        await RefreshAsync();
        var early = await _registry.JoinAsync(Guid.NewGuid(), "todos", """{"sub":"early"}""");
        await RefreshAsync();
        await RefreshAsync();
        Groups().Should().Equal(Stranger, early);

        await transaction.CommitAsync();
        await RefreshAsync();

        Groups().Should().BeEquivalentTo([Stranger, early, late]);
    }

    [Fact]
    public async Task After_half_of_a_tombstones_life_everything_is_read_anew_and_not_before()
    {
        _time.Leap((RegistrySweep.TombstoneAge / 2) - TimeSpan.FromTicks(1));
        await RefreshAsync();
        Groups().Should().Equal(Stranger);

        _time.Leap(RegistrySweep.TombstoneAge / 2);
        await RefreshAsync();
        Groups().Should().BeEmpty();
    }

    [Fact]
    public async Task An_instance_that_was_away_for_longer_than_tombstones_last_forgets_who_left_meanwhile()
    {
        var session = Guid.NewGuid();
        var group = await _registry.JoinAsync(session, "todos");
        await RefreshAsync();
        Groups().Should().Equal(Stranger, group);

        await _registry.LeaveAsync(session);
        await _registry.AgeTombstonesAsync();
        await _registry.SweepAsync();
        _time.Leap(RegistrySweep.TombstoneAge + TimeSpan.FromMinutes(1));
        await RefreshAsync();

        Groups().Should().BeEmpty();
    }

    private Task<RegistryView> RefreshAsync() => _refresher.RefreshAsync([], CancellationToken.None);

    private IEnumerable<long> Groups() => RegistryDatabase.GroupsIn(_index, "todos");

    private void AddStranger() => _index.Apply(
    [
        new RegistryRow(
            Stranger, Stranger, Stranger, HasLeft: false, _time.GetUtcNow().UtcDateTime.AddYears(1), RegistryDatabase.DefinitionOf("todos").ToJson(), Claims: null),
    ]);
}
