using System.Buffers;
using System.Text.Json;
using Serverless.Delivery;
using Serverless.Topics;

namespace Serverless.Broadcast;

/// <summary>Sends messages to whoever has joined their topics: a topic's own in order, as few sends as they fit into.</summary>
internal sealed class TopicSender(IRealtimeDelivery delivery)
{
    private const string Target = "broadcast";
    private const int SendsAtOnce = 16;

    /// <summary>Messages of a topic are packed up to this size; one that is larger travels alone.</summary>
    private const int PackedBytes = 64 * 1024;

    /// <summary>Sends all of them.</summary>
    /// <exception cref="DeliveryException">The service did not take a message; some of the others may have been sent.</exception>
    public Task SendAsync(IReadOnlyList<TopicMessage> messages, CancellationToken cancellationToken)
    {
        var byTopic = messages.GroupBy(message => (message.Topic, message.IsPrivate)).Select(topic => topic.ToList()).ToList();
        return byTopic.Count == 1
            ? SendTopicAsync(byTopic[0], cancellationToken)
            : Parallel.ForEachAsync(
                byTopic,
                new ParallelOptions { MaxDegreeOfParallelism = SendsAtOnce, CancellationToken = cancellationToken },
                async (topic, token) => await SendTopicAsync(topic, token));
    }

    private async Task SendTopicAsync(List<TopicMessage> messages, CancellationToken cancellationToken)
    {
        var group = TopicGroups.Broadcast(messages[0].Topic, messages[0].IsPrivate);
        for (var first = 0; first < messages.Count;)
        {
            var (arguments, next) = Pack(messages, first);
            await delivery.SendToGroupAsync(group, Target, arguments, cancellationToken);
            first = next;
        }
    }

    private static (ReadOnlyMemory<byte> Arguments, int Next) Pack(List<TopicMessage> messages, int first)
    {
        var output = new ArrayBufferWriter<byte>(messages[first].Payload.Length + 512);
        using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true });
        writer.WriteStartArray();
        writer.WriteStartObject();
        writer.WriteString("topic"u8, messages[first].Topic);
        writer.WriteBoolean("private"u8, messages[first].IsPrivate);
        writer.WriteStartArray("messages"u8);
        var next = first;
        do
        {
            messages[next++].WriteTo(writer);
        }
        while (next < messages.Count && writer.BytesCommitted + writer.BytesPending + messages[next].Payload.Length < PackedBytes);

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.Flush();
        return (output.WrittenMemory, next);
    }
}
