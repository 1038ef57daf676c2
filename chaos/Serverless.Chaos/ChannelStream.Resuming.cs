using System.Text.Json;

namespace Serverless.Chaos;

/// <content>Asking for what was missed.</content>
internal sealed partial class ChannelStream
{
    /// <summary>Asks for what was missed, page by page, and then takes what came meanwhile.</summary>
    /// <param name="torn">The message before which something is missing.</param>
    public async Task ResumeAsync(JsonElement? torn, CancellationToken cancellationToken)
    {
        // What had come by now is in the log with all that is before it, so it is not asked about again.
        var checkedMessages = hub.Waiting(Changes);
        while (await ResumePageAsync(cancellationToken))
        {
            // There is more.
        }

        foreach (var entry in entries)
        {
            entry.Positions.Mended();
        }

        await ReadTablesAsync(cancellationToken);
        if (torn is { } message)
        {
            Deliver(message);
        }

        for (; checkedMessages > 0; checkedMessages--)
        {
            Deliver((await hub.NextAsync(Changes, _glance))[0]);
        }
    }

    private async Task<bool> ResumePageAsync(CancellationToken cancellationToken)
    {
        var from = entries.Select((entry, place) => entry.Positions.ResumeFrom(ids[place], entry.Wish.Table));
        var answer = (await calls.PostAsync("channels/resume", new { channels = new[] { new { topic, subscriptions = from } } }, cancellationToken)).GetProperty("channels")[0];
        if (answer.GetProperty("status").GetString() != "ok")
        {
            throw new InvalidOperationException($"channels/resume was answered {answer}.");
        }

        foreach (var message in answer.GetProperty("messages").EnumerateArray())
        {
            Deliver(message);
        }

        var more = false;
        foreach (var subscription in answer.GetProperty("subscriptions").EnumerateArray())
        {
            more |= subscription.TryGetProperty("more", out var goesOn) && goesOn.GetBoolean();
            Read(subscription, entries[Array.IndexOf(ids, subscription.GetProperty("id").GetInt64())]);
        }

        return more;
    }

    private void Read(JsonElement subscription, Entry entry)
    {
        if (subscription.TryGetProperty("tables", out var tables))
        {
            foreach (var table in tables.EnumerateArray())
            {
                entry.Positions.Advance(entry.Positions.Epoch, EntryPositions.PositionOf(table));
            }
        }

        if (subscription.TryGetProperty("gap", out var gap))
        {
            gaps.Enqueue(gap.GetProperty("reason").GetString()!);
            entry.Positions.BeginAnew(subscription.GetProperty("cursor"));
            entry.NeedsSnapshot = true;
        }
    }
}
