using Npgsql;
using NpgsqlTypes;

namespace Serverless.Topics;

/// <summary>Which topics sessions have joined, in PostgreSQL, shared by all instances. Whoever writes holds the session's lease.</summary>
internal static class TopicRegistry
{
    /// <summary>SQLSTATE of <c>join_channel</c> where the session belongs to another subject.</summary>
    public const string SessionMismatch = "SR001";

    /// <summary>SQLSTATE of <c>join_channel</c> where the session has as many topics as it may.</summary>
    public const string TooManyTopics = "SR002";

    private const string Columns =
        """
        select c.topic, c.private, c.role, encode(c.claims_key, 'hex'), s.claims, c.expires_at, c.presence_key, c.hears_presence, c.wanted
        from serverless_realtime.channel c join serverless_realtime.claim_set s on s.key = c.claims_key

        """;

    /// <summary>Registers a topic in the place of what it was for the session, and commits.</summary>
    /// <returns>Every SignalR group that the session's connection may be in for the topic.</returns>
    /// <exception cref="PostgresException">With <see cref="SessionMismatch"/> or <see cref="TooManyTopics"/>.</exception>
    public static async Task<IReadOnlyList<string>> JoinAsync(
        NpgsqlConnection connection, Guid session, string? subject, JoinedTopic topic, int maxTopics, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select serverless_realtime.join_channel($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", connection)
        {
            Parameters =
            {
                new() { Value = session },
                new() { Value = (object?)subject ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new() { Value = topic.Topic },
                new() { Value = topic.IsPrivate },
                new() { Value = topic.Role },
                new() { Value = Convert.FromHexString(topic.ClaimsKey) },
                new() { Value = topic.Claims },
                new() { Value = topic.ExpiresAt },
                new() { Value = topic.PresenceKey },
                new() { Value = topic.HearsPresence },
                new() { Value = topic.Groups.ToArray() },
                new() { Value = maxTopics },
            },
        };
        return (string[])(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Marks a topic as left.</summary>
    /// <returns>Every SignalR group that the session's connection may be in for the topic; null where it had not joined it.</returns>
    public static async Task<IReadOnlyList<string>?> LeaveAsync(NpgsqlConnection connection, Guid session, string topic, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "update serverless_realtime.channel set left_at = coalesce(left_at, now()), wanted = '{}' where session_id = $1 and topic = $2 returning groups",
            connection)
        {
            Parameters = { new() { Value = session }, new() { Value = topic } },
        };
        return (string[]?)await command.ExecuteScalarAsync(cancellationToken);
    }

    /// <summary>Silences topics until they are joined again or get a new token.</summary>
    /// <returns>For each that was not silent yet, the SignalR groups that the session's connection may be in for it.</returns>
    public static async Task<IReadOnlyList<(string Topic, IReadOnlyList<string> Groups)>> SuspendExpiredAsync(
        NpgsqlConnection connection, Guid session, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            update serverless_realtime.channel set suspended = true, wanted = '{}'
            where session_id = $1 and expires_at <= $2 and left_at is null and not suspended returning topic, groups
            """,
            connection)
        {
            Parameters = { new() { Value = session }, new() { Value = now } },
        };
        var suspended = new List<(string, IReadOnlyList<string>)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            suspended.Add((reader.GetString(0), reader.GetFieldValue<string[]>(1)));
        }

        return suspended;
    }

    /// <summary>Records that the session's connection is in exactly the groups that it should be in; a topic that was left is forgotten.</summary>
    public static async Task SettleAsync(NpgsqlConnection connection, Guid session, string topic, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                ForTopic("delete from serverless_realtime.channel where session_id = $1 and topic = $2 and left_at is not null", session, topic),
                ForTopic("update serverless_realtime.channel set groups = wanted where session_id = $1 and topic = $2 and groups <> wanted", session, topic),
            },
        };
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>What a session has joined, topics that wait for a new token included.</summary>
    public static async Task<IReadOnlyDictionary<string, JoinedTopic>> TopicsOfAsync(NpgsqlConnection connection, Guid session, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Columns + "where c.session_id = $1 and c.left_at is null", connection) { Parameters = { new() { Value = session } } };
        var topics = new Dictionary<string, JoinedTopic>(StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var topic = Read(reader);
            topics.Add(topic.Topic, topic);
        }

        return topics;
    }

    /// <summary>Forgets everything of a session whose connection is gone.</summary>
    public static async Task EndSessionAsync(NpgsqlConnection connection, Guid session, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("delete from serverless_realtime.channel where session_id = $1", connection) { Parameters = { new() { Value = session } } };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Those of the named topics that a session has joined and whose token is still good.</summary>
    public static async Task<IReadOnlyList<JoinedTopic>> FindAsync(
        NpgsqlDataSource dataSource, Guid session, IReadOnlyCollection<string> topics, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            Columns + "where c.session_id = $1 and c.topic = any ($2) and c.left_at is null and not c.suspended and c.expires_at > $3");
        command.Parameters.AddWithValue(session);
        command.Parameters.AddWithValue(topics.ToArray());
        command.Parameters.AddWithValue(now);
        var found = new List<JoinedTopic>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(Read(reader));
        }

        return found;
    }

    private static JoinedTopic Read(NpgsqlDataReader reader) => new(
        reader.GetString(0),
        reader.GetBoolean(1),
        reader.GetString(2),
        reader.GetString(3),
        reader.GetString(4),
        reader.GetFieldValue<DateTimeOffset>(5),
        reader.GetString(6),
        reader.GetBoolean(7))
    {
        Groups = reader.GetFieldValue<string[]>(8),
    };

    private static NpgsqlBatchCommand ForTopic(string sql, Guid session, string topic) =>
        new(sql) { Parameters = { new() { Value = session }, new() { Value = topic } } };
}
