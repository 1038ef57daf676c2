using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Serverless.Presence;

/// <summary>The messages by which receivers are told of presence, as docs/protocol.md describes them.</summary>
internal static class PresenceMessages
{
    public const string DiffTarget = "presence_diff";
    public const string StateTarget = "presence_state";

    /// <summary>Members are packed into messages of about this size; one whose payload is larger travels alone.</summary>
    /// <remarks>Azure SignalR ends connections for which more than 1 MB waits, so a message must leave room for its neighbours.</remarks>
    public const int PackedBytes = 128 * 1024;

    /// <summary>A change as <c>presence_diff</c>: one, or as many as its size asks for, each of which builds on the one before.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Diffs(PresenceTopic topic, TopicChange change)
    {
        // Who comes before who leaves, so that a key whose last meta goes while another comes is never empty.
        var members = change.Members.OrderByDescending(member => member.IsJoin).ToList();
        var version = change.Previous;
        for (var first = 0; first < members.Count;)
        {
            var count = CountFitting(members, first);
            yield return Diff(topic, version, version + count, members.GetRange(first, count));
            version += count;
            first += count;
        }
    }

    /// <summary>What is true as <c>presence_state</c>; without the state where that would be too large for one message.</summary>
    public static ReadOnlyMemory<byte> State(PresenceTopic topic, PresenceSnapshot snapshot) => Message(topic, writer =>
    {
        writer.WriteNumber("version"u8, snapshot.Version);
        if (snapshot.State.Length <= PackedBytes)
        {
            writer.WritePropertyName("state"u8);
            writer.WriteRawValue(snapshot.State.Span, skipInputValidation: true);
        }
    });

    private static ReadOnlyMemory<byte> Diff(PresenceTopic topic, long previous, long version, IReadOnlyList<MemberChange> members) => Message(topic, writer =>
    {
        writer.WriteNumber("previous"u8, previous);
        writer.WriteNumber("version"u8, version);
        writer.WritePropertyName("joins"u8);
        MembersWriter.Write(writer, members.Where(member => member.IsJoin).Select(member => (member.Key, member.Ref, member.Meta)));
        writer.WritePropertyName("leaves"u8);
        MembersWriter.Write(writer, members.Where(member => !member.IsJoin).Select(member => (member.Key, member.Ref, member.Meta)));
    });

    private static ReadOnlyMemory<byte> Message(PresenceTopic topic, Action<Utf8JsonWriter> write)
    {
        var output = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(output, MembersWriter.Options))
        {
            writer.WriteStartArray();
            writer.WriteStartObject();
            writer.WriteString("topic"u8, topic.Name);
            writer.WriteBoolean("private"u8, topic.IsPrivate);
            write(writer);
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        return output.WrittenMemory;
    }

    private static int CountFitting(List<MemberChange> members, int first)
    {
        var count = 0;
        for (var bytes = 0; first + count < members.Count; count++)
        {
            bytes += SizeOf(members[first + count]);
            if (count > 0 && bytes > PackedBytes)
            {
                break;
            }
        }

        return count;
    }

    // With what stands around a meta, and room for what is escaped in a key.
    private static int SizeOf(MemberChange member) => Encoding.UTF8.GetByteCount(member.Meta) + member.Ref.Length + (2 * Encoding.UTF8.GetByteCount(member.Key)) + 40;
}
