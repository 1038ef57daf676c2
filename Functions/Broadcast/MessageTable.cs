using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Serverless.Calls;
using Serverless.Changes;

namespace Serverless.Broadcast;

/// <summary>Sends the rows that SQL has written to <c>realtime.messages</c>, as capture brings them: in commit order, whether or not anybody was connected then.</summary>
/// <remarks>On Supabase the table is partitioned by day, and the stream names the partitions. A message may come twice after a failure; it has an id.</remarks>
internal sealed partial class MessageTable(TopicSender sender, IOptions<LimitOptions> limits, ILogger<MessageTable> logger) : ITableSink
{
    private const string Schema = "realtime";
    private const string Name = "messages";

    public bool Takes(Relation relation) =>
        relation.Schema == Schema && (relation.Name == Name || relation.Name.StartsWith(Name + "_", StringComparison.Ordinal));

    public Task HandleAsync(IReadOnlyList<RowChange> changes, CancellationToken cancellationToken)
    {
        var messages = changes.Where(change => change is { Kind: ChangeKind.Insert, New: not null }).Select(change => Read(change.New!)).OfType<TopicMessage>().ToList();
        return messages.Count == 0 ? Task.CompletedTask : sender.SendAsync(messages, cancellationToken);
    }

    private TopicMessage? Read(RowImage row)
    {
        var topic = TextOf(row, "topic");
        if (TextOf(row, "extension") != "broadcast" || TopicName.Check(topic) is not null)
        {
            return null;
        }

        var bytes = TextOf(row, "binary_payload");
        var payload = bytes is null
            ? ValueOf(row, "payload").ToArray()
            : Encoding.UTF8.GetBytes(Convert.ToBase64String(Convert.FromHexString(bytes.AsSpan(2))));
        if (payload.Length > limits.Value.PayloadBytes * (bytes is null ? 1 : 4.0 / 3))
        {
            Log.MessageTooLarge(logger, payload.Length, limits.Value.PayloadBytes);
            return null;
        }

        var id = Guid.TryParse(TextOf(row, "id"), out var known) ? known : (Guid?)null;
        return new TopicMessage(topic!, ValueOf(row, "private").SequenceEqual("true"u8), TextOf(row, "event") ?? "", payload, bytes is not null, Id: id);
    }

    private static ReadOnlySpan<byte> ValueOf(RowImage row, string column)
    {
        var ordinal = row.Relation.OrdinalOf(column);
        return row.Has(ordinal) ? row.ValueOf(ordinal) : "null"u8;
    }

    private static string? TextOf(RowImage row, string column)
    {
        var reader = new Utf8JsonReader(ValueOf(row, column));
        return reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
    }

    private static partial class Log
    {
        [LoggerMessage(5301, LogLevel.Warning, "A message that SQL wrote has a payload of {Size} bytes; at most {Most} are sent (Limits:PayloadBytes), so it reaches nobody.")]
        public static partial void MessageTooLarge(ILogger logger, int size, int most);
    }
}
