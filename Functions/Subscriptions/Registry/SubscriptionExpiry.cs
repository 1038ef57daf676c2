using Npgsql;
using Serverless.Delivery;
using Serverless.Subscriptions.Matching;

namespace Serverless.Subscriptions.Registry;

/// <summary>Ends delivery to subscriptions whose token has expired, and tells their clients, whose channels stay open for a new token.</summary>
/// <remarks>
/// Called before anything is sent, with what the index found expired, so nothing reaches a client that was judged after its token's end; what was judged just before may still
/// be on its way. The bound is one batch's sending, and the difference between the clocks of the service and the token's issuer.
/// </remarks>
internal sealed class SubscriptionExpiry(NpgsqlDataSource dataSource, SubscriptionIndex index, IRealtimeDelivery delivery, TimeProvider time) : IDisposable
{
    private const int SessionsAtOnce = 8;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _working = new(1);
    private readonly HashSet<long> _pending = [];

    /// <summary>Ends what has expired by now. Returns when all of it is done, by whichever caller; what fails is left for the next call.</summary>
    public async Task EndExpiredAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _pending.UnionWith(index.TakeExpired(time.GetUtcNow().UtcDateTime));
            if (_pending.Count == 0)
            {
                return;
            }
        }

        await WorkAsync(cancellationToken);
    }

    /// <summary>The same for everything in the registry, whether or not this instance knows of it.</summary>
    public async Task EndAllExpiredAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            "select id from serverless_realtime.subscription where left_at is null and expires_at <= $1 limit 10000");
        command.Parameters.AddWithValue(time.GetUtcNow());
        var expired = await ReadIdsAsync(command, cancellationToken);
        lock (_lock)
        {
            _pending.UnionWith(expired);
        }

        await WorkAsync(cancellationToken);
    }

    public void Dispose() => _working.Dispose();

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        await _working.WaitAsync(cancellationToken);
        try
        {
            long[] expired;
            lock (_lock)
            {
                expired = [.. _pending];
            }

            await Parallel.ForEachAsync(
                await SessionsOfAsync(expired, cancellationToken),
                new ParallelOptions { MaxDegreeOfParallelism = SessionsAtOnce, CancellationToken = cancellationToken },
                async (session, token) => await SuspendAsync(session, expired, token));
            lock (_lock)
            {
                _pending.ExceptWith(expired);
            }
        }
        finally
        {
            _working.Release();
        }
    }

    private async Task SuspendAsync(Guid session, IReadOnlyList<long> subscriptions, CancellationToken cancellationToken)
    {
        await using var lease = await SessionLease.AcquireAsync(dataSource, session, cancellationToken);
        var topics = await MarkAsync(lease.Connection, session, subscriptions, cancellationToken);
        var user = session.ToString("N");
        var memberships = await SubscriptionRegistry.MembershipsOfAsync(lease.Connection, session, cancellationToken);
        List<long> unwanted = [.. memberships.Where(group => !group.IsLive).Select(group => group.Group)];
        foreach (var group in unwanted)
        {
            await delivery.RemoveUserFromGroupAsync(user, SubscriberGroup.NameOf(group), cancellationToken);
        }

        await SubscriptionRegistry.ForgetMembershipsAsync(lease.Connection, session, unwanted, cancellationToken);
        if (topics.Count > 0)
        {
            await delivery.SendToUserAsync(user, "system", ExpiryNotice.For(topics), cancellationToken);
        }
    }

    private static async Task<IReadOnlyList<string>> MarkAsync(
        NpgsqlConnection connection, Guid session, IReadOnlyList<long> subscriptions, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            with ended as (
              update serverless_realtime.subscription
              set left_at = now(), suspended = true, stamp = pg_current_xact_id()
              where session_id = $1 and id = any ($2) and left_at is null
              returning topic
            )
            select distinct topic from ended
            """,
            connection)
        {
            Parameters = { new() { Value = session }, new() { Value = subscriptions.ToArray() } },
        };
        var topics = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            topics.Add(reader.GetString(0));
        }

        return topics;
    }

    private async Task<IReadOnlyList<Guid>> SessionsOfAsync(long[] subscriptions, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            "select distinct session_id from serverless_realtime.subscription where id = any ($1) and (left_at is null or is_member)");
        command.Parameters.AddWithValue(subscriptions);
        var sessions = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            sessions.Add(reader.GetGuid(0));
        }

        return sessions;
    }

    private static async Task<IReadOnlyList<long>> ReadIdsAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var ids = new List<long>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            ids.Add(reader.GetInt64(0));
        }

        return ids;
    }
}
