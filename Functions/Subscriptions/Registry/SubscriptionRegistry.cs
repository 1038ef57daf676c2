using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Serverless.Subscriptions.Registry;

/// <summary>Who listens to what, in PostgreSQL, shared by all instances. Writes; reading is the refresher's.</summary>
internal sealed class SubscriptionRegistry(NpgsqlDataSource dataSource)
{
    /// <summary>SQLSTATE raised by <c>serverless_realtime.register</c> where the session belongs to another subject.</summary>
    private const string SessionMismatch = "SR001";

    /// <summary>Registers what a session wants on a topic, in place of what it had there, and commits.</summary>
    /// <returns>The group of each subscription, in their order.</returns>
    /// <exception cref="SubscriptionException">The session belongs to another subject.</exception>
    public static async Task<IReadOnlyList<long>> RegisterAsync(
        NpgsqlConnection connection, ChannelRegistration channel, CancellationToken cancellationToken)
    {
        var definitions = channel.Subscriptions.Select(subscription => subscription.Definition.ToJson()).ToArray();
        await using var command = new NpgsqlCommand(
            "select group_id from serverless_realtime.register($1, $2, $3, $4, $5, $6, $7, $8) order by binding", connection)
        {
            Parameters =
            {
                new() { Value = channel.Session },
                new() { Value = (object?)channel.Subject ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new() { Value = channel.Topic },
                new() { Value = channel.Role },
                new() { Value = channel.ExpiresAt },
                new() { Value = definitions.Select(GroupDefinition.KeyOf).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea },
                new() { Value = definitions },
                new() { Value = channel.Subscriptions.Select(subscription => JsonSerializer.Serialize(subscription.Request)).ToArray() },
            },
        };
        try
        {
            return await ReadGroupsAsync(command, cancellationToken);
        }
        catch (PostgresException ex) when (ex.SqlState == SessionMismatch)
        {
            throw new SubscriptionException(
                "SessionMismatch", StatusCodes.Status403Forbidden, "This session belongs to another user. Negotiate again with the new user's token and join anew.");
        }
    }

    /// <summary>Marks a topic as left.</summary>
    public static async Task LeaveAsync(NpgsqlConnection connection, Guid session, string topic, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            update serverless_realtime.subscription set left_at = now(), stamp = pg_current_xact_id()
            where session_id = $1 and topic = $2 and left_at is null
            """,
            connection)
        {
            Parameters = { new() { Value = session }, new() { Value = topic } },
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
        return await ReadGroupsAsync(command, cancellationToken);
    }

    /// <summary>What a session asked for, by topic, in the order of its joins' entries.</summary>
    public static async Task<ILookup<string, SubscriptionRequest>> RequestsOfAsync(
        NpgsqlConnection connection, Guid session, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            select topic, request from serverless_realtime.subscription
            where session_id = $1 and left_at is null order by topic, binding
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

    /// <summary>Marks everything of a session as left: its connection has ended.</summary>
    public async Task EndSessionAsync(Guid session, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            "update serverless_realtime.subscription set left_at = now(), stamp = pg_current_xact_id() where session_id = $1 and left_at is null");
        command.Parameters.AddWithValue(session);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IReadOnlyList<long>> ReadGroupsAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var groups = new List<long>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            groups.Add(reader.GetInt64(0));
        }

        return groups;
    }
}

/// <summary>What a session wants on one topic.</summary>
/// <param name="Subject">The token's <c>sub</c>; the first one that a session sees stays its own.</param>
internal sealed record ChannelRegistration(
    Guid Session,
    string? Subject,
    string Topic,
    string Role,
    DateTimeOffset ExpiresAt,
    IReadOnlyList<ResolvedSubscription> Subscriptions);
