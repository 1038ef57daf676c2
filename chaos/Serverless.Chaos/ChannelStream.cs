using System.Collections.Concurrent;
using System.Text.Json;
using Npgsql;
using Serverless.Support;

namespace Serverless.Chaos;

/// <summary>
/// One channel of one session. Messages are taken in the order of arrival; at a hole, and after a join, what is missing is asked for first, while live messages wait in the
/// connection's queue.
/// </summary>
internal sealed class ChannelStream(
    string topic, long[] ids, IReadOnlyList<Entry> entries, HubClient hub, Calls calls, NpgsqlDataSource database, Random random, ConcurrentQueue<string> gaps)
{
    private const string Changes = "postgres_changes";
    private static readonly TimeSpan _glance = TimeSpan.FromSeconds(0.5);

    /// <summary>Begins a stream: from the join's cursor, over a reading of the tables.</summary>
    public async Task BeginAsync(JsonElement cursor, CancellationToken cancellationToken)
    {
        foreach (var entry in entries)
        {
            entry.Positions.Begin(cursor);
        }

        await ReadTablesAsync(cancellationToken);
    }

    /// <summary>Takes the next message, if there is one soon, and what the service has said of its progress.</summary>
    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        if (hub.Waiting("progress") > 0)
        {
            var progress = (await hub.NextAsync("progress", _glance))[0];
            // All that was sent before it, and perhaps a little more, is taken first.
            for (var waiting = hub.Waiting(Changes); waiting > 0 && hub.Waiting(Changes) > 0; waiting--)
            {
                await TakeAsync((await hub.NextAsync(Changes, _glance))[0], cancellationToken);
            }

            if (!entries.All(entry => entry.Positions.MoveOn(progress)))
            {
                await ResumeAsync(null, cancellationToken);
            }
        }

        JsonElement message;
        try
        {
            message = (await hub.NextAsync(Changes, _glance))[0];
        }
        catch (TimeoutException)
        {
            return;
        }

        await TakeAsync(message, cancellationToken);
    }

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

    private async Task TakeAsync(JsonElement message, CancellationToken cancellationToken)
    {
        // Every entry is asked: each notes its own hole.
        var holes = Of(message).Where(entry => entry.Positions.FindHole(message)).ToList();
        if (holes.Count == 0)
        {
            Deliver(message);
            return;
        }

        await Wait.ForAsync(random.NextDouble(), cancellationToken);
        await ResumeAsync(message, cancellationToken);
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
            entry.Positions.Begin(subscription.GetProperty("cursor"));
            entry.NeedsSnapshot = true;
        }
    }

    private void Deliver(JsonElement message)
    {
        foreach (var entry in Of(message))
        {
            entry.Take(message);
        }
    }

    private IEnumerable<Entry> Of(JsonElement message) =>
        message.GetProperty("ids").EnumerateArray().Select(id => Array.IndexOf(ids, id.GetInt64())).Where(place => place >= 0).Select(place => entries[place]);

    private async Task ReadTablesAsync(CancellationToken cancellationToken)
    {
        foreach (var entry in entries.Where(entry => entry.NeedsSnapshot))
        {
            entry.Replace(await Snapshot.TakeAsync(database, entry.Wish, entry.Owner, cancellationToken));
        }
    }
}
