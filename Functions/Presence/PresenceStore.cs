using System.Buffers;
using System.Text.Json;
using Npgsql;
using Serverless.Database;

namespace Serverless.Presence;

/// <summary>Reads presence as all instances share it.</summary>
internal sealed class PresenceStore([FromKeyedServices(DatabaseServices.ForPresence)] NpgsqlDataSource dataSource)
{
    // One statement, so that version and members are of one moment.
    private const string ReadTopic =
        """
        select t.version, p.key, p.ref, p.meta
        from serverless_realtime.presence_topic t left join serverless_realtime.presence p on p.topic = t.topic and p.private = t.private
        where t.topic = $1 and t.private = $2 order by p.id
        """;

    /// <summary>Who is present on a topic, for one who joins it: every diff that is sent from now on builds on this version or a later one.</summary>
    /// <remarks>Read it after the groups are joined. A topic that nobody knew is made, so that its first diff finds the version that it builds on with the receiver.</remarks>
    public async Task<PresenceSnapshot> ReadAsync(string topic, bool isPrivate, CancellationToken cancellationToken)
    {
        var name = new PresenceTopic(topic, isPrivate);
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        PresenceSnapshot? snapshot;
        while ((snapshot = await ReadAsync(connection, name, cancellationToken)) is null)
        {
            await using var make = Command(connection, "select serverless_realtime.advance_presence($1, $2, 0)", name);
            await make.ExecuteNonQueryAsync(cancellationToken);
        }

        return snapshot;
    }

    /// <summary>Who is present on a topic, for one who asks only once. A topic that nobody knows is empty, of the version with which it would begin.</summary>
    public async Task<PresenceSnapshot> LookAsync(PresenceTopic topic, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        if (await ReadAsync(connection, topic, cancellationToken) is { } snapshot)
        {
            return snapshot;
        }

        await using var clock = new NpgsqlCommand("select serverless_realtime.presence_clock()", connection);
        return new PresenceSnapshot((long)(await clock.ExecuteScalarAsync(cancellationToken))!, "{}"u8.ToArray());
    }

    /// <summary>Who is present on a topic; null where nobody knows it.</summary>
    public static async Task<PresenceSnapshot?> ReadAsync(NpgsqlConnection connection, PresenceTopic topic, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, ReadTopic, topic);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var version = reader.GetInt64(0);
        var members = new List<(string Key, string Ref, string Meta)>();
        for (var more = !reader.IsDBNull(1); more; more = await reader.ReadAsync(cancellationToken))
        {
            members.Add((reader.GetString(1), reader.GetString(2), reader.GetString(3)));
        }

        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, MembersWriter.Options))
        {
            MembersWriter.Write(writer, members);
        }

        return new PresenceSnapshot(version, output.WrittenMemory);
    }

    /// <summary>The topics on which a session is present, in the order in which it came.</summary>
    public async Task<IReadOnlyList<PresenceTopic>> TopicsOfAsync(Guid session, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("select topic, private from serverless_realtime.presence where session_id = $1 order by id");
        command.Parameters.AddWithValue(session);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await ReadTopicsAsync(reader, cancellationToken);
    }

    /// <summary>Notes that a session has been heard of, and answers the topics on which it is present.</summary>
    /// <remarks>Two statements, so that where a sweep was just taking the session away, what is answered is what it left.</remarks>
    public async Task<IReadOnlyList<PresenceTopic>> HeartbeatAsync(Guid session, CancellationToken cancellationToken)
    {
        await using var batch = dataSource.CreateBatch();
        batch.BatchCommands.Add(OfSession("update serverless_realtime.presence_session set seen_at = clock_timestamp() where session_id = $1", session));
        batch.BatchCommands.Add(OfSession("select topic, private from serverless_realtime.presence where session_id = $1 order by id", session));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return await ReadTopicsAsync(reader, cancellationToken);
    }

    private static async Task<IReadOnlyList<PresenceTopic>> ReadTopicsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var topics = new List<PresenceTopic>();
        while (await reader.ReadAsync(cancellationToken))
        {
            topics.Add(new PresenceTopic(reader.GetString(0), reader.GetBoolean(1)));
        }

        return topics;
    }

    private static NpgsqlBatchCommand OfSession(string sql, Guid session) => new(sql) { Parameters = { new() { Value = session } } };

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, PresenceTopic topic) =>
        new(sql, connection) { Parameters = { new() { Value = topic.Name }, new() { Value = topic.IsPrivate } } };
}
