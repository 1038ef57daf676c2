using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;
using Serverless.Delivery;
using Serverless.Subscriptions.Matching;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Tells a group's members that they will not receive what they asked for, and why.</summary>
/// <remarks>The same notice to the same group at most once a minute, so that a policy that fails for every row does not flood its subscribers.</remarks>
internal sealed class SubscriberNotices(IRealtimeDelivery delivery, TimeProvider time)
{
    private const string Target = "system";
    private const int MaxRemembered = 10_000;

    private static readonly TimeSpan _quiet = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(long Group, string Code), long> _told = new();

    public async Task TellAsync(SubscriberGroup group, string code, string message, CancellationToken cancellationToken)
    {
        var now = time.GetTimestamp();
        if (_told.TryGetValue((group.Id, code), out var last) && time.GetElapsedTime(last, now) < _quiet)
        {
            return;
        }

        if (_told.Count >= MaxRemembered)
        {
            _told.Clear();
        }

        _told[(group.Id, code)] = now;
        if (group.Notified is { } notified)
        {
            notified(code, message);
            return;
        }

        await delivery.SendToGroupAsync(group.Name, Target, Arguments(group.Number, code, message), cancellationToken);
    }

    private static ReadOnlyMemory<byte> Arguments(long number, string code, string message)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartArray();
            writer.WriteStartObject();
            writer.WriteStartArray("ids"u8);
            writer.WriteNumberValue(number);
            writer.WriteEndArray();
            writer.WriteString("extension"u8, "postgres_changes"u8);
            writer.WriteString("status"u8, "error"u8);
            writer.WriteString("code"u8, code);
            writer.WriteString("message"u8, message);
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        return output.WrittenMemory;
    }
}
