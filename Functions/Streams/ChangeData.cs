using System.Buffers;
using System.Text;
using System.Text.Json;
using Serverless.Changes;
using Serverless.Subscriptions.FanOut;

namespace Serverless.Streams;

/// <summary>The data of a change's event: the change as in <c>postgres_changes</c>, and before that the table that it is of.</summary>
internal static class ChangeData
{
    public static ReadOnlyMemory<byte> Of(ShapedChange shaped, ChangeEncoder encoder)
    {
        var change = encoder.Encode(shaped);
        var output = new ArrayBufferWriter<byte>(change.Length + 128);
        output.Write(Head(shaped.Change.Relation));

        // Its own members follow, without their opening brace.
        output.Write(change.AsSpan(1));
        return output.WrittenMemory;
    }

    private static byte[] Head(Relation relation) =>
        Encoding.UTF8.GetBytes($"{{\"schema\":\"{JsonEncodedText.Encode(relation.Schema)}\",\"table\":\"{JsonEncodedText.Encode(relation.Name)}\",");
}
