using System.Runtime.InteropServices;
using System.Text.Json;
using Serverless.Bus.EventHubs;

namespace Serverless.Hosting;

/// <summary>
/// The body with which the Functions host calls a custom handler for an <c>eventHubTrigger</c> of cardinality <c>many</c> and data type
/// <c>string</c>: <c>Data.events</c> is a JSON array of strings, itself written as a string; members of <c>Metadata</c> are objects or
/// JSON written as a string, depending on the extension's version (azure-functions-host, <c>ScriptInvocationContextExtensions</c>).
/// </summary>
/// <param name="Partition">The partition's id, such as <c>0</c>.</param>
/// <param name="Events">In the partition's order.</param>
internal sealed record EventHubsEnvelope(string Partition, IReadOnlyList<ReceivedEvent> Events)
{
    // The first is of the Event Hubs extension from 6.5 on, the second of every version.
    private static readonly string[] _partitionContexts = ["TriggerPartitionContext", "PartitionContext"];

    /// <exception cref="EnvelopeException">It is not such a body; the message says what is missing.</exception>
    public static EventHubsEnvelope Read(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty("Data"u8, out var data) ||
            data.ValueKind != JsonValueKind.Object || !data.TryGetProperty("events"u8, out var events))
        {
            throw new EnvelopeException("The body has no member Data.events. Name the binding 'events' in function.json.");
        }

        var metadata = body.TryGetProperty("Metadata"u8, out var found) ? found : default;
        using var list = Unwrapped.From(events, "Data.events");
        return new EventHubsEnvelope(ReadPartition(metadata), ReadEvents(list.Element, ReadSequenceNumbers(metadata)));
    }

    private static string ReadPartition(JsonElement metadata)
    {
        foreach (var name in _partitionContexts)
        {
            if (Member(metadata, name) is { } member)
            {
                using var context = Unwrapped.From(member, "Metadata." + name);
                if (Member(context.Element, "PartitionId") is { ValueKind: JsonValueKind.String } id)
                {
                    return id.GetString()!;
                }
            }
        }

        throw new EnvelopeException("The body has no member Metadata.PartitionContext.PartitionId, so the events have no order. Use the extension bundle that host.json names.");
    }

    private static List<ReceivedEvent> ReadEvents(JsonElement events, List<long> sequenceNumbers)
    {
        if (events.ValueKind != JsonValueKind.Array)
        {
            throw new EnvelopeException("Data.events is not an array. Set 'cardinality' to 'many' in function.json.");
        }

        var read = new List<ReceivedEvent>(events.GetArrayLength());
        foreach (var item in events.EnumerateArray())
        {
            // Any other data type lets the host parse the event and write it again, which changes numbers and times in it.
            read.Add(item.ValueKind == JsonValueKind.String
                ? new ReceivedEvent(Utf8(item), read.Count < sequenceNumbers.Count ? sequenceNumbers[read.Count] : null)
                : throw new EnvelopeException("An element of Data.events is not a string. Set 'dataType' to 'string' in function.json."));
        }

        return read;
    }

    // Only a place to name in a log, so an envelope without them, or with others, is served all the same.
    private static List<long> ReadSequenceNumbers(JsonElement metadata)
    {
        if (Member(metadata, "SequenceNumberArray") is not { } member)
        {
            return [];
        }

        using var numbers = Unwrapped.From(member, "Metadata.SequenceNumberArray");
        return numbers.Element.ValueKind == JsonValueKind.Array
            ? [.. numbers.Element.EnumerateArray().Select(number => number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out var value) ? value : -1)]
            : [];
    }

    private static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member) ? member : null;

    // Events are large and often ASCII; this spares the detour over UTF-16.
    private static ReadOnlyMemory<byte> Utf8(JsonElement text)
    {
        var raw = JsonMarshal.GetRawUtf8Value(text);
        var reader = new Utf8JsonReader(raw);
        reader.Read();
        var buffer = new byte[raw.Length];
        return buffer.AsMemory(0, reader.CopyString(buffer));
    }

    /// <summary>A member as it is, or as the JSON that its string holds.</summary>
    private readonly struct Unwrapped(JsonDocument? parsed, JsonElement element) : IDisposable
    {
        public JsonElement Element { get; } = element;

        public static Unwrapped From(JsonElement member, string name)
        {
            if (member.ValueKind != JsonValueKind.String)
            {
                return new Unwrapped(null, member);
            }

            try
            {
                var parsed = JsonDocument.Parse(Utf8(member));
                return new Unwrapped(parsed, parsed.RootElement);
            }
            catch (Exception ex) when (ex is JsonException or InvalidOperationException)
            {
                throw new EnvelopeException($"{name} is a string that does not hold JSON. The Functions host writes JSON there; is something else calling?", ex);
            }
        }

        public void Dispose() => parsed?.Dispose();
    }
}
