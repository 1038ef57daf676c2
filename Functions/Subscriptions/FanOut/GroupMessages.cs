using System.Buffers;
using System.Globalization;
using System.Text;
using Serverless.Changes;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Puts a group's changes into messages of about a given size.</summary>
internal static class GroupMessages
{
    /// <summary>Room for everything in a message but its table's description and its changes.</summary>
    private const int EnvelopeBytes = 512;

    /// <summary>The <c>arguments</c> of each <c>postgres_changes</c> invocation, in order.</summary>
    /// <param name="packedBytes">The size up to which changes are put together; only a single change may make a message larger.</param>
    /// <param name="previous">The position last sent to the group for this table; null where that is not known.</param>
    public static IEnumerable<ReadOnlyMemory<byte>> Build(
        GroupChanges changes, string epoch, ChangePosition? previous, ChangeEncoder encoder, int packedBytes)
    {
        var head = encoder.EncodeTable(changes.Relation);
        var room = packedBytes - head.Length - EnvelopeBytes;
        var pending = new List<byte[]>();
        var size = 0;
        for (var i = 0; i < changes.Changes.Count; i++)
        {
            var encoded = encoder.Encode(changes.Changes[i]);
            if (pending.Count > 0 && size + encoded.Length + 1 > room)
            {
                yield return Assemble(changes.Group.Id, epoch, head, previous, pending, size);
                pending.Clear();
                size = 0;
                previous = changes.Changes[i - 1].Position;
            }

            pending.Add(encoded);
            size += encoded.Length + 1;
        }

        yield return Assemble(changes.Group.Id, epoch, head, previous, pending, size);
    }

    private static ReadOnlyMemory<byte> Assemble(
        long group, string epoch, byte[] head, ChangePosition? previous, List<byte[]> changes, int size)
    {
        var output = new ArrayBufferWriter<byte>(head.Length + size + EnvelopeBytes);
        var opening = string.Create(CultureInfo.InvariantCulture, $"[{{\"ids\":[{group}],\"epoch\":\"{epoch}\",");
        Write(output, opening);
        output.Write(head);
        Write(output, previous is { } position ? $",\"previous\":\"{position}\",\"changes\":[" : ",\"previous\":null,\"changes\":[");
        for (var i = 0; i < changes.Count; i++)
        {
            if (i > 0)
            {
                output.Write(","u8);
            }

            output.Write(changes[i]);
        }

        output.Write("]}]"u8);
        return output.WrittenMemory;
    }

    private static void Write(ArrayBufferWriter<byte> output, string ascii) =>
        output.Advance(Encoding.ASCII.GetBytes(ascii, output.GetSpan(ascii.Length)));
}
