using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serverless.Changes;

namespace Serverless.Support;

/// <summary>
/// Bodies as the Functions host encodes them: arrays of strings and most metadata as JSON within a string, partition contexts as
/// objects (azure-functions-host, <c>ScriptInvocationContextExtensions</c>, reproduced with its own serializer).
/// </summary>
internal static class TriggerEnvelopes
{
    public static string OfEvents(string partition, params string[] events) => new JsonObject
    {
        ["Data"] = new JsonObject { ["events"] = JsonSerializer.Serialize(events) },
        ["Metadata"] = new JsonObject
        {
            ["TriggerPartitionContext"] = PartitionContext(partition),
            ["PartitionContext"] = PartitionContext(partition),
            ["PartitionKeyArray"] = JsonSerializer.Serialize(events.Select(_ => (string?)null)),
            ["OffsetArray"] = JsonSerializer.Serialize(events.Select((_, i) => $"{8589934592 + (112 * i)}")),
            ["SequenceNumberArray"] = JsonSerializer.Serialize(events.Select((_, i) => 41 + i)),
            ["PropertiesArray"] = JsonSerializer.Serialize(events.Select(_ => new object())),
            ["sys"] = new JsonObject { ["MethodName"] = "changes", ["UtcNow"] = "2026-11-20T08:18:30.8561822Z", ["RandGuid"] = "7e60d622-3a7f-4e1e-b998-104597ebfde4" },
        },
    }.ToJsonString();

    /// <summary>A batch as capture puts it into one event.</summary>
    public static string Event(ChangeBatch batch)
    {
        var body = new ArrayBufferWriter<byte>();
        ChangeBatchJson.Write(body, batch);
        return Encoding.UTF8.GetString(body.WrittenSpan);
    }

    private static JsonObject PartitionContext(string partition) => new()
    {
        ["IsCheckpointingAfterInvocation"] = true,
        ["FullyQualifiedNamespace"] = "ns.servicebus.windows.net",
        ["EventHubName"] = "changes",
        ["ConsumerGroup"] = "$Default",
        ["PartitionId"] = partition,
    };
}
