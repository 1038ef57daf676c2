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

    private const string Members = "c.topic, c.private, c.role, encode(c.claims_key, 'hex'), s.claims, c.expires_at, c.presence_key, c.wants_presence, c.wanted";

    private const string Columns = $"select {Members} from serverless_realtime.channel c join serverless_realtime.claim_set s on s.key = c.claims_key ";

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
                new() { Value = topic.WantsPresence },
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
        return await ReadGroupsAsync(command, cancellationToken);
    }

    /// <summary>For each of the session's topics that has them, the SignalR groups that its connection may be in and should not.</summary>
    public static async Task<IReadOnlyList<(string Topic, IReadOnlyList<string> Groups)>> UnsettledAsync(
        NpgsqlConnection connection, Guid session, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            select topic, array(select unnest(groups) except select unnest(wanted)) from serverless_realtime.channel
            where session_id = $1 and (left_at is not null or groups <> wanted)
            """,
            connection)
        {
            Parameters = { new() { Value = session } },
        };
        return await ReadGroupsAsync(command, cancellationToken);
    }

    /// <summary>Sessions with topics whose token has ended and that are not silent yet.</summary>
    public static async Task<IReadOnlyList<Guid>> ExpiredSessionsAsync(NpgsqlDataSource dataSource, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            "select distinct session_id from serverless_realtime.channel where expires_at <= $1 and left_at is null and not suspended limit 10000");
        command.Parameters.AddWithValue(now);
        var sessions = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            sessions.Add(reader.GetGuid(0));
        }

        return sessions;
    }

    /// <summary>Takes up to so many private topics that were last judged before a time; no other instance takes the same.</summary>
    public static async Task<IReadOnlyList<(Guid Session, JoinedTopic Topic)>> TakeToReviewAsync(
        NpgsqlDataSource dataSource, TimeSpan judgedBefore, int most, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            $"""
            with taken as (
              update serverless_realtime.channel c set judged_at = now()
              from (
                select session_id, topic from serverless_realtime.channel
                where private and left_at is null and not suspended and judged_at < now() - $1
                order by judged_at limit $2 for update skip locked) due
              where c.session_id = due.session_id and c.topic = due.topic
              returning c.*)
            select c.session_id, {Members} from taken c join serverless_realtime.claim_set s on s.key = c.claims_key
            """);
        command.Parameters.AddWithValue(judgedBefore);
        command.Parameters.AddWithValue(most);
        var due = new List<(Guid, JoinedTopic)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            due.Add((reader.GetGuid(0), Read(reader, 1)));
        }

        return due;
    }

    /// <summary>Narrows the groups that a topic's connection is to be in, unless the topic was joined anew since it was read.</summary>
    public static async Task<bool> NarrowAsync(NpgsqlConnection connection, Guid session, JoinedTopic topic, IReadOnlyList<string> wanted, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            update serverless_realtime.channel set wanted = $5
            where session_id = $1 and topic = $2 and claims_key = $3 and role = $4 and private and left_at is null and not suspended
            """,
            connection)
        {
            Parameters =
            {
                new() { Value = session }, new() { Value = topic.Topic }, new() { Value = Convert.FromHexString(topic.ClaimsKey) }, new() { Value = topic.Role },
                new() { Value = wanted.ToArray() },
            },
        };
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
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

    private static async Task<IReadOnlyList<(string Topic, IReadOnlyList<string> Groups)>> ReadGroupsAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var topics = new List<(string, IReadOnlyList<string>)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            topics.Add((reader.GetString(0), reader.GetFieldValue<string[]>(1)));
        }

        return topics;
    }

    private static JoinedTopic Read(NpgsqlDataReader reader, int first = 0) => new(
        reader.GetString(first),
        reader.GetBoolean(first + 1),
        reader.GetString(first + 2),
        reader.GetString(first + 3),
        reader.GetString(first + 4),
        reader.GetFieldValue<DateTimeOffset>(first + 5),
        reader.GetString(first + 6),
        reader.GetBoolean(first + 7))
    {
        Groups = reader.GetFieldValue<string[]>(first + 8),
    };

    private static NpgsqlBatchCommand ForTopic(string sql, Guid session, string topic) =>
        new(sql) { Parameters = { new() { Value = session }, new() { Value = topic } } };
}
