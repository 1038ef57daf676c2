using System.Buffers;
using System.Globalization;
using System.Text;
using Serverless.Changes;

namespace Serverless.Subscriptions.FanOut;

/// <summary>One message to a group.</summary>
/// <param name="Arguments">The <c>arguments</c> of the invocation.</param>
/// <param name="First">The place of its first change among the group's.</param>
/// <param name="Count">How many changes it carries.</param>
/// <param name="Previous">The position that it names as its predecessor.</param>
internal readonly record struct GroupMessage(ReadOnlyMemory<byte> Arguments, int First, int Count, ChangePosition? Previous);

/// <summary>Puts a group's changes into messages of about a given size.</summary>
internal static class GroupMessages
{
    /// <summary>Room for everything in a message but its table's description and its changes.</summary>
    private const int EnvelopeBytes = 512;

    /// <param name="previous">The position last sent to the group for this table; null where that is not known.</param>
    /// <param name="packedBytes">The size up to which changes are put together; only a single change may make a message larger.</param>
    public static IEnumerable<GroupMessage> Build(GroupChanges changes, string epoch, ChangePosition? previous, ChangeEncoder encoder, int packedBytes)
    {
        var room = packedBytes - encoder.EncodeTable(changes.Relation, changes.Columns).Length - EnvelopeBytes;
        var first = 0;
        var size = 0;
        for (var i = 0; i < changes.Changes.Count; i++)
        {
            var length = encoder.Encode(changes.Changes[i]).Length + 1;
            if (i > first && size + length > room)
            {
                yield return Assemble(changes, epoch, previous, encoder, first, i - first);
                previous = changes.Changes[i - 1].Change.Position;
                first = i;
                size = 0;
            }

            size += length;
        }

        yield return Assemble(changes, epoch, previous, encoder, first, changes.Changes.Count - first);
    }

    /// <summary>A message with some of the group's changes.</summary>
    public static GroupMessage Assemble(GroupChanges changes, string epoch, ChangePosition? previous, ChangeEncoder encoder, int first, int count)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        Write(output, string.Create(CultureInfo.InvariantCulture, $"[{{\"ids\":[{changes.Group.Number}],\"epoch\":\"{epoch}\","));
        output.Write(encoder.EncodeTable(changes.Relation, changes.Columns));
        Write(output, previous is { } position ? $",\"previous\":\"{position}\",\"changes\":[" : ",\"previous\":null,\"changes\":[");
        for (var i = first; i < first + count; i++)
        {
            if (i > first)
            {
                output.Write(","u8);
            }

            output.Write(encoder.Encode(changes.Changes[i]));
        }

        output.Write("]}]"u8);
        return new GroupMessage(output.WrittenMemory, first, count, previous);
    }

    private static void Write(ArrayBufferWriter<byte> output, string ascii) =>
        output.Advance(Encoding.ASCII.GetBytes(ascii, output.GetSpan(ascii.Length)));
}
