using System.Collections.Concurrent;
using System.Text.Json;
using Npgsql;
using Serverless.Support;

namespace Serverless.Chaos;

/// <summary>
/// One channel of one session. Messages are taken in the order of arrival; at a hole, and after a join, what is missing is asked for first, while live messages wait in the
/// connection's queue.
/// </summary>
internal sealed partial class ChannelStream(
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
