using System.Collections.Concurrent;
using System.Text.Json;
using Npgsql;
using Serverless.Support;

namespace Serverless.Chaos;

/// <summary>A client: connects, joins, resumes, reads, and begins again whenever something ends that, until it is told to stop.</summary>
internal sealed class Subscriber(int number, Service service, NpgsqlDataSource database, Random random)
{
    private readonly Calls _calls = new(service.Urls, number % service.Urls.Count, number % Schema.Owners, random);
    private readonly string _topic = $"topic-{number}";
    private HubClient? _hub;

    /// <summary>One subscription a table, for one table or more.</summary>
    public IReadOnlyList<Entry> Entries { get; } =
        [.. Schema.Tables.Where((_, table) => table == number % Schema.Tables.Length || random.Next(3) == 0).Select(table => new Entry(Wish.Choose(random, table), number % Schema.Owners))];

    public int Resumes { get; private set; }

    /// <summary>The reasons of its gaps.</summary>
    public ConcurrentQueue<string> Gaps { get; } = [];

    /// <summary>What the service said of it, and what ended its sessions, by how often.</summary>
    public ConcurrentDictionary<string, int> Notes { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether it has joined and taken its first reading.</summary>
    public bool IsSettled => Entries.All(entry => !entry.NeedsSnapshot);

    /// <summary>Cuts its connection, as a network that fails does.</summary>
    public async Task CutAsync()
    {
        if (_hub is { } hub)
        {
            try
            {
                await hub.DisposeAsync();
            }
            catch (ObjectDisposedException)
            {
                // It was cut already.
            }
        }
    }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await SessionAsync(stop);
            }
            catch (Exception ex) when (Wait.IsTrouble(ex))
            {
                Note($"{ex.GetType().Name}: {ex.Message}");
            }

            await CutAsync();
            await Wait.ForAsync(0.1 + random.NextDouble(), CancellationToken.None);
        }
    }

    private async Task SessionAsync(CancellationToken stop)
    {
        _calls.Session = null;
        var negotiated = await _calls.PostAsync("negotiate", new { }, stop);
        _calls.Session = negotiated.GetProperty("sessionToken").GetString();
        var hub = _hub = await HubClient.ConnectAsync(new Uri(negotiated.GetProperty("url").GetString()!), negotiated.GetProperty("accessToken").GetString()!);
        var joined = await _calls.PostAsync("channels/join", new { topic = _topic, config = new { postgres_changes = Entries.Select(Asked) } }, stop);
        var ids = joined.GetProperty("postgres_changes").EnumerateArray().Select(answer => answer.GetProperty("id").GetInt64()).ToArray();
        var channel = new ChannelStream(_topic, ids, Entries, hub, _calls, database, random, Gaps);
        if (Entries[0].Positions.Epoch is null)
        {
            await channel.BeginAsync(joined.GetProperty("cursor"), stop);
        }
        else
        {
            Resumes++;
            await channel.ResumeAsync(null, stop);
        }

        while (true)
        {
            stop.ThrowIfCancellationRequested();
            await channel.ReadAsync(stop);
            await ReadNotesAsync(hub);
        }
    }

    private static object Asked(Entry entry) => new { @event = "*", schema = "public", table = entry.Wish.Table, filter = entry.Wish.Filter, leave = true };

    private async Task ReadNotesAsync(HubClient hub)
    {
        while (hub.Waiting("system") > 0)
        {
            var note = (await hub.NextAsync("system", TimeSpan.FromSeconds(1)))[0];
            Note($"system {note.GetProperty("status")}: {note.GetProperty("message")}");
        }

        if (hub.Waiting("close") > 0)
        {
            throw new InvalidOperationException($"The service closed the channel: {(await hub.NextAsync("close", TimeSpan.FromSeconds(1)))[0]}");
        }
    }

    private void Note(string text) => Notes.AddOrUpdate(text[..Math.Min(text.Length, 300)], 1, (_, count) => count + 1);
}
