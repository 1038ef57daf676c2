using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Serverless.Subscriptions.Registry;

/// <summary>Who listens to what, in PostgreSQL, shared by all instances. Writes; reading is the refresher's.</summary>
internal static class SubscriptionRegistry
{
    /// <summary>SQLSTATE raised by <c>serverless_realtime.register</c> where the session belongs to another subject.</summary>
    private const string SessionMismatch = "SR001";

    /// <summary>Registers what a session wants on a topic, beside what it has there, and commits. <see cref="LeaveAsync"/> ends the former.</summary>
    /// <returns>The id of each subscription and the number that clients know it by, in their order.</returns>
    /// <exception cref="SubscriptionException">The session belongs to another subject.</exception>
    public static async Task<IReadOnlyList<Registered>> RegisterAsync(
        NpgsqlConnection connection, ChannelRegistration channel, CancellationToken cancellationToken)
    {
        var definitions = channel.Subscriptions.Select(subscription => subscription.Definition.ToJson()).ToArray();
        await using var command = new NpgsqlCommand(
            "select id, number from serverless_realtime.register($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) with ordinality order by ordinality",
            connection)
        {
            Parameters =
            {
                new() { Value = channel.Session },
                new() { Value = (object?)channel.Subject ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new() { Value = channel.Topic },
                new() { Value = channel.Role },
                new() { Value = channel.ExpiresAt },
                new() { Value = channel.Claims.Key },
                new() { Value = channel.Claims.Text },
                new() { Value = definitions.Select(GroupDefinition.KeyOf).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea },
                new() { Value = definitions },
                new() { Value = channel.Subscriptions.Select(subscription => subscription.Definition.ClaimsKey is not null).ToArray() },
                new() { Value = channel.Subscriptions.Select(subscription => JsonSerializer.Serialize(subscription.Request)).ToArray() },
                new() { Value = int.MaxValue },
            },
        };
        try
        {
            var registered = new List<Registered>();
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                registered.Add(new Registered(reader.GetInt64(0), reader.GetInt64(1)));
            }

            return registered;
        }
        catch (PostgresException ex) when (ex.SqlState == SessionMismatch)
        {
            throw OfAnother();
        }
    }

    /// <summary>The session is somebody else's.</summary>
    public static SubscriptionException OfAnother() => new(
        "SessionMismatch", StatusCodes.Status403Forbidden, "This session belongs to another user. Negotiate again with the new user's token and join anew.");

    /// <summary>Marks what a topic has as left, but for the subscriptions named.</summary>
    public static async Task LeaveAsync(
        NpgsqlConnection connection, Guid session, string topic, IReadOnlyList<long> but, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select serverless_realtime.leave($1, $2, $3)", connection)
        {
            Parameters = { new() { Value = session }, new() { Value = topic }, new() { Value = but.ToArray() } },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Every group that the session's connection may be in, each once, and whether it still should be: groups that were left lately count, since an attempt to leave them
    /// may have failed half-way.
    /// </summary>
    public static async Task<IReadOnlyList<(long Group, bool IsLive)>> MembershipsOfAsync(
        NpgsqlConnection connection, Guid session, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            select group_id, bool_or(left_at is null) from serverless_realtime.subscription
            where session_id = $1 and (left_at is null or is_member)
            group by group_id
            """,
            connection)
        {
            Parameters = { new() { Value = session } },
        };
        var memberships = new List<(long, bool)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            memberships.Add((reader.GetInt64(0), reader.GetBoolean(1)));
        }

        return memberships;
    }

    /// <summary>Records that the connection has left groups that none of the session's live subscriptions stands for.</summary>
    public static async Task ForgetMembershipsAsync(
        NpgsqlConnection connection, Guid session, IReadOnlyList<long> groups, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            update serverless_realtime.subscription set is_member = false
            where session_id = $1 and group_id = any ($2) and left_at is not null and is_member
            """,
            connection)
        {
            Parameters = { new() { Value = session }, new() { Value = groups.ToArray() } },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The groups of a session's live subscriptions, each once.</summary>
    public static async Task<IReadOnlyList<long>> GroupsOfAsync(NpgsqlConnection connection, Guid session, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "select distinct group_id from serverless_realtime.subscription where session_id = $1 and left_at is null", connection)
        {
            Parameters = { new() { Value = session } },
        };
        return await ReadNumbersAsync(command, cancellationToken);
    }

    /// <summary>What a session asked for, by topic, in the order of its joins' entries; also where it waits for a new token.</summary>
    public static async Task<ILookup<string, SubscriptionRequest>> RequestsOfAsync(
        NpgsqlConnection connection, Guid session, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            select topic, request from serverless_realtime.subscription
            where session_id = $1 and (left_at is null or suspended) order by topic, binding
            """,
            connection)
        {
            Parameters = { new() { Value = session } },
        };
        var requests = new List<(string Topic, SubscriptionRequest Request)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            requests.Add((reader.GetString(0), JsonSerializer.Deserialize<SubscriptionRequest>(reader.GetString(1))!));
        }

        return requests.ToLookup(request => request.Topic, request => request.Request);
    }

    /// <summary>The session's topics whose row changes wait for a new token.</summary>
    public static async Task<IReadOnlyList<string>> SuspendedTopicsAsync(NpgsqlConnection connection, Guid session, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "select distinct topic from serverless_realtime.subscription where session_id = $1 and suspended", connection)
        {
            Parameters = { new() { Value = session } },
        };
        var topics = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            topics.Add(reader.GetString(0));
        }

        return topics;
    }

    /// <summary>Marks everything of a session as left: its connection has ended.</summary>
    public static async Task EndSessionAsync(NpgsqlConnection connection, Guid session, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            update serverless_realtime.subscription
            set left_at = coalesce(left_at, now()), suspended = false, is_member = false, stamp = pg_current_xact_id()
            where session_id = $1 and (left_at is null or suspended or is_member)
            """,
            connection)
        {
            Parameters = { new() { Value = session } },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IReadOnlyList<long>> ReadNumbersAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var numbers = new List<long>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            numbers.Add(reader.GetInt64(0));
        }

        return numbers;
    }
}

/// <param name="Number">What clients know it by.</param>
internal readonly record struct Registered(long Id, long Number);

/// <summary>What a session wants on one topic.</summary>
/// <param name="Subject">The token's <c>sub</c>; the first one that a session sees stays its own.</param>
internal sealed record ChannelRegistration(
    Guid Session,
    string? Subject,
    string Topic,
    string Role,
    ClaimSet Claims,
    DateTimeOffset ExpiresAt,
    IReadOnlyList<ResolvedSubscription> Subscriptions);
