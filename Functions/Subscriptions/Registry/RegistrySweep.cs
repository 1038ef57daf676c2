using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Auth;

namespace Serverless.Subscriptions.Registry;

/// <summary>Deletes what the registry no longer needs: old tombstones, sessions and groups that nothing refers to.</summary>
internal sealed class RegistrySweep(NpgsqlDataSource dataSource, IOptions<AuthOptions> auth)
{
    /// <summary>How long a tombstone stays, so that instances take it in by their ordinary refresh. One that was away for longer reads everything anew.</summary>
    public static readonly TimeSpan TombstoneAge = TimeSpan.FromMinutes(10);

    private const string PurgeTombstones =
        "delete from serverless_realtime.subscription where left_at < now() - $1 and not suspended";

    // A session token is good for its whole life, and who owns the session must be known as long.
    private const string PurgeSessions =
        """
        delete from serverless_realtime.session s
        where s.created_at < now() - $1
          and not exists (select from serverless_realtime.subscription u where u.session_id = s.id)
          and not exists (select from serverless_realtime.channel c where c.session_id = s.id)
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

    private const string PurgeClaims =
        """
        delete from serverless_realtime.claim_set c
        where not exists (select from serverless_realtime.subscription u where u.claims_key = c.key)
          and not exists (select from serverless_realtime.subscription_group g where g.claims_key = c.key)
          and not exists (select from serverless_realtime.channel h where h.claims_key = c.key)
        """;

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await ExecuteAsync(PurgeTombstones, TombstoneAge, cancellationToken);
        await ExecuteAsync(PurgeSessions, auth.Value.SessionLifetime, cancellationToken);
        try
        {
            await ExecuteAsync(PurgeGroups, age: null, cancellationToken);
            await ExecuteAsync(PurgeClaims, age: null, cancellationToken);
        }
        catch (PostgresException ex) when (ex.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            // A join took one of them up between our look and our delete. The next sweep finds the others.
        }
    }

    /// <summary>Sessions with channels that began before the given age.</summary>
    public Task<IReadOnlyList<Guid>> LiveSessionsAsync(TimeSpan olderThan, CancellationToken cancellationToken) => SessionsAsync(
        """
        select s.id from serverless_realtime.session s
        where s.created_at < now() - $1
          and (exists (select from serverless_realtime.subscription u where u.session_id = s.id and (u.left_at is null or u.suspended))
            or exists (select from serverless_realtime.channel c where c.session_id = s.id))
        """,
        olderThan,
        cancellationToken);

    /// <summary>Sessions whose connection may still be in a group that they left so long ago: the call that left it ended half-way.</summary>
    public Task<IReadOnlyList<Guid>> UnsettledSessionsAsync(TimeSpan leftBefore, CancellationToken cancellationToken) => SessionsAsync(
        """
        (select distinct session_id from serverless_realtime.subscription where left_at < now() - $1 and is_member limit 1000)
        union (select distinct session_id from serverless_realtime.channel where left_at < now() - $1 or (judged_at < now() - $1 and not groups <@ wanted) limit 1000)
        """,
        leftBefore,
        cancellationToken);

    private async Task<IReadOnlyList<Guid>> SessionsAsync(string sql, TimeSpan age, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(sql);
        command.Parameters.AddWithValue(age);
        var sessions = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            sessions.Add(reader.GetGuid(0));
        }

        return sessions;
    }

    private async Task ExecuteAsync(string sql, TimeSpan? age, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(sql);
        if (age is { } value)
        {
            command.Parameters.AddWithValue(value);
        }

        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
