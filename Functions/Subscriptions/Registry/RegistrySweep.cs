using Npgsql;

namespace Serverless.Subscriptions.Registry;

/// <summary>Deletes what the registry no longer needs: old tombstones, sessions and groups that nothing refers to.</summary>
internal sealed class RegistrySweep(NpgsqlDataSource dataSource)
{
    /// <summary>How long a tombstone stays, so that instances take it in by their ordinary refresh. One that was away for longer reads everything anew.</summary>
    private static readonly TimeSpan _tombstoneAge = TimeSpan.FromMinutes(10);

    // The horizon is raised in the transaction that deletes, so no reader can see the one without the other.
    private const string PurgeTombstones =
        """
        with purged as (
          delete from serverless_realtime.subscription where left_at < now() - $1 returning stamp
        )
        update serverless_realtime.registry_horizon h
        set purged_through = greatest(h.purged_through::text::numeric, p.stamp)::text::xid8
        from (select max(stamp::text::numeric) as stamp from purged) p
        where p.stamp is not null
        """;

    private const string PurgeSessions =
        """
        delete from serverless_realtime.session s
        where s.created_at < now() - $1
          and not exists (select from serverless_realtime.subscription u where u.session_id = s.id)
        """;

    // A group that is being taken up again at this moment is locked by the foreign key of its new subscription, and passed over.
    private const string PurgeGroups =
        """
        delete from serverless_realtime.subscription_group where id in (
          select g.id from serverless_realtime.subscription_group g
          where not exists (select from serverless_realtime.subscription u where u.group_id = g.id)
          limit 10000 for update skip locked)
        and not exists (select from serverless_realtime.subscription u where u.group_id = subscription_group.id)
        """;

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await ExecuteAsync(PurgeTombstones, cancellationToken);
        await ExecuteAsync(PurgeSessions, cancellationToken);
        try
        {
            await using var command = dataSource.CreateCommand(PurgeGroups);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException ex) when (ex.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            // A join took one of them up between our look and our delete. The next sweep finds the others.
        }
    }

    /// <summary>Sessions with live subscriptions that began before the given age.</summary>
    public async Task<IReadOnlyList<Guid>> LiveSessionsAsync(TimeSpan olderThan, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            """
            select s.id from serverless_realtime.session s
            where s.created_at < now() - $1
              and exists (select from serverless_realtime.subscription u where u.session_id = s.id and u.left_at is null)
            """);
        command.Parameters.AddWithValue(olderThan);
        var sessions = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            sessions.Add(reader.GetGuid(0));
        }

        return sessions;
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(sql);
        command.Parameters.AddWithValue(_tombstoneAge);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
