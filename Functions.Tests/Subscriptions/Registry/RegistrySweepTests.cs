using Serverless.Support;

namespace Serverless.Subscriptions.Registry;

/// <summary>What the sweep takes away and what it leaves, also while others join.</summary>
public sealed class RegistrySweepTests : IAsyncLifetime
{
    private const int Joiners = 4;
    private const int JoinsOfEach = 100;

    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    private RegistryDatabase _registry = null!;

    public async Task InitializeAsync() => _registry = await RegistryDatabase.CreateAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task What_nothing_refers_to_any_more_goes()
    {
        var session = Guid.NewGuid();
        await _registry.JoinAsync(session, "todos", """{"sub":"ada"}""");
        await _registry.LeaveAsync(session);
        await _registry.AgeTombstonesAsync();
        await AgeSessionsAsync();

        await _registry.SweepAsync();

        (await CountAllAsync()).Should().Equal(0, 0, 0, 0);
    }

    [Fact]
    public async Task What_is_referred_to_or_young_stays()
    {
        var (lives, left) = (Guid.NewGuid(), Guid.NewGuid());
        await _registry.JoinAsync(lives, "todos", """{"sub":"ada"}""");
        await AgeSessionsAsync();
        await _registry.JoinAsync(left, "notes", """{"sub":"eve"}""");
        await _registry.LeaveAsync(left);

        // A tombstone that is young keeps what it refers to.
        await _registry.SweepAsync();
        (await CountAllAsync()).Should().Equal(2, 2, 2, 2);

        // So does a session whose token may still be good, and it alone.
        await _registry.AgeTombstonesAsync();
        await _registry.SweepAsync();
        (await CountAllAsync()).Should().Equal(1, 2, 1, 1);
        (await _registry.CountAsync("subscription", "left_at is null")).Should().Be(1);
    }

    [Fact]
    public async Task A_subscription_that_waits_for_a_new_token_stays_however_old()
    {
        var session = Guid.NewGuid();
        await _registry.JoinAsync(session, "todos");
        await _registry.Database.ExecuteAsync("update serverless_realtime.subscription set left_at = now(), suspended = true");
        await _registry.AgeTombstonesAsync();
        await AgeSessionsAsync();

        await _registry.SweepAsync();

        (await CountAllAsync()).Should().Equal(1, 1, 1, 1);
    }

    [Fact]
    public async Task A_join_while_a_sweep_runs_never_loses_its_group()
    {
        using var end = new CancellationTokenSource();
        var sweeping = SweepUntilAsync(end.Token);
        await Task.WhenAll(Enumerable.Range(0, Joiners).Select(JoinAndLeaveAsync)).WaitAsync(_limit);
        await end.CancelAsync();

        (await sweeping.WaitAsync(_limit)).Should().BePositive();
        await _registry.AgeTombstonesAsync();
        await _registry.SweepAsync();
        (await _registry.CountAsync("subscription_group")).Should().Be(0);
        (await _registry.CountAsync("claim_set")).Should().Be(0);
    }

    // All want the same two groups, which nobody has in the moments between their joins.
    private async Task JoinAndLeaveAsync(int joiner)
    {
        for (var round = 0; round < JoinsOfEach; round++)
        {
            var session = Guid.NewGuid();
            var claims = $$"""{"sub":"{{round % 2}}"}""";
            var group = await _registry.JoinAsync(session, "todos", claims);
            (await _registry.CountAsync("subscription s join serverless_realtime.subscription_group g on g.id = s.group_id", $"s.session_id = '{session}' and g.id = {group}"))
                .Should().Be(1);
            await _registry.LeaveAsync(session);
            await _registry.Database.ExecuteAsync($"update serverless_realtime.subscription set left_at = now() - interval '1 day' where session_id = '{session}'");
        }
    }

    private async Task<int> SweepUntilAsync(CancellationToken end)
    {
        var sweeps = 0;
        for (; !end.IsCancellationRequested; sweeps++)
        {
            await _registry.SweepAsync();
        }

        return sweeps;
    }

    private Task AgeSessionsAsync() => _registry.Database.ExecuteAsync("update serverless_realtime.session set created_at = now() - interval '25 hours'");

    private async Task<IReadOnlyList<long>> CountAllAsync() =>
    [
        await _registry.CountAsync("subscription"),
        await _registry.CountAsync("session"),
        await _registry.CountAsync("subscription_group"),
        await _registry.CountAsync("claim_set"),
    ];
}
