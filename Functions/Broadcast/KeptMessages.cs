using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Serverless.Calls;

namespace Serverless.Broadcast;

/// <summary>Messages to private topics, for those who join later: those of SQL in <c>realtime.messages</c>, others in a table of ours where they are kept at all.</summary>
internal sealed class KeptMessages(NpgsqlDataSource dataSource, IOptions<BroadcastOptions> options, IOptions<LimitOptions> limits, TimeProvider time)
{
    /// <summary>The most that one join is given, as in Supabase.</summary>
    public const int MostReplayed = 25;

    private const int PurgedAtOnce = 50_000;

    // Each side by its own index, newest first; then the newest of both, oldest first.
    private const string Select =
        """
        select id, event, payload, binary_payload, body, at from (
          (select id, event, payload::text, binary_payload, null as body, inserted_at at time zone 'utc' as at
           from realtime.messages
           where topic = $1 and private and extension = 'broadcast' and inserted_at >= $2::timestamptz at time zone 'utc'
             and coalesce(octet_length(payload::text), 0) <= $4 and coalesce(octet_length(binary_payload), 0) <= $4
           order by inserted_at desc limit $3)
          union all
          (select id, event, null, null, body, inserted_at
           from serverless_realtime.kept_message where topic = $1 and inserted_at >= $2 order by inserted_at desc limit $3)
          order by at desc limit $3) newest
        order by at
        """;

    /// <summary>The newest messages of a private topic since a time, oldest first, as a JSON array of what receivers get. What was too large to be sent is not among them.</summary>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(string topic, DateTimeOffset since, int limit, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Select);
        command.Parameters.AddWithValue(topic);
        command.Parameters.AddWithValue(since);
        command.Parameters.AddWithValue(Math.Clamp(limit, 1, MostReplayed));
        command.Parameters.AddWithValue(limits.Value.PayloadBytes);
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true }))
        {
            writer.WriteStartArray();
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                Read(reader, topic).WriteTo(writer, isReplayed: true);
            }

            writer.WriteEndArray();
        }

        return output.WrittenMemory;
    }

    /// <summary>Gives each message to a private topic a name and keeps it, where messages are kept.</summary>
    public async Task<IReadOnlyList<TopicMessage>> KeepAsync(IReadOnlyList<TopicMessage> messages, CancellationToken cancellationToken)
    {
        if (options.Value.Retention == TimeSpan.Zero || !messages.Any(message => message.IsPrivate))
        {
            return messages;
        }

        var named = messages.Select(message => message.IsPrivate ? message with { Id = Guid.CreateVersion7(time.GetUtcNow()) } : message).ToList();
        var kept = named.Where(message => message.IsPrivate).ToList();
        await using var command = dataSource.CreateCommand(
            "insert into serverless_realtime.kept_message (id, topic, event, body) select * from unnest($1, $2, $3, $4)");
        command.Parameters.AddWithValue(kept.Select(message => message.Id!.Value).ToArray());
        command.Parameters.AddWithValue(kept.Select(message => message.Topic).ToArray());
        command.Parameters.AddWithValue(kept.Select(message => message.Event).ToArray());
        command.Parameters.Add(new() { Value = kept.Select(Body).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        await command.ExecuteNonQueryAsync(cancellationToken);
        return named;
    }

    /// <summary>Deletes what has been kept long enough.</summary>
    public async Task PurgeAsync(CancellationToken cancellationToken)
    {
        await DeleteAsync("serverless_realtime.kept_message", "inserted_at < now() - $1", options.Value.Retention, cancellationToken);
        await using var owned = dataSource.CreateCommand(
            "select pg_has_role(relowner, 'USAGE') and relkind = 'r' from pg_class where oid = to_regclass('realtime.messages')");
        if (await owned.ExecuteScalarAsync(cancellationToken) is true)
        {
            await DeleteAsync("realtime.messages", "inserted_at < (now() - $1) at time zone 'utc'", options.Value.MessageRetention, cancellationToken);
        }
    }

    private async Task DeleteAsync(string table, string condition, TimeSpan age, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            $"delete from {table} where id in (select id from {table} where {condition} order by inserted_at limit {PurgedAtOnce})");
        command.Parameters.AddWithValue(age);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static TopicMessage Read(NpgsqlDataReader reader, string topic)
    {
        var name = reader.IsDBNull(1) ? "" : reader.GetString(1);
        var id = reader.GetGuid(0);
        if (!reader.IsDBNull(4))
        {
            var body = reader.GetString(4);
            return new TopicMessage(topic, true, name, Encoding.UTF8.GetBytes(body[1..]), body[0] == 'b', Id: id);
        }

        return reader.IsDBNull(3)
            ? new TopicMessage(topic, true, name, Encoding.UTF8.GetBytes(reader.IsDBNull(2) ? "null" : reader.GetString(2)), false, Id: id)
            : new TopicMessage(topic, true, name, Encoding.UTF8.GetBytes(Convert.ToBase64String(reader.GetFieldValue<byte[]>(3))), true, Id: id);
    }

    // The first letter says what follows: j for JSON, b for base64.
    private static string Body(TopicMessage message) => (message.IsBinary ? "b" : "j") + Encoding.UTF8.GetString(message.Payload.Span);
}
