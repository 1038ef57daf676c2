using System.Collections.Concurrent;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Subscriptions.Visibility;

/// <summary>Reads everything that a client is sent, whatever it is, and keeps it for judging.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly ConcurrentQueue<JsonElement> _messages = new();
    private readonly string _markerTable;
    private readonly Task _reading;
    private readonly Lock _gate = new();
    private TaskCompletionSource _arrival = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _marker;

    private Listener(RealtimeClient client, string markerTable)
    {
        Client = client;
        _markerTable = markerTable;
        _reading = ReadAsync();
    }

    public RealtimeClient Client { get; }

    public static async Task<Listener> ConnectAsync(Uri url, string apiKey, string schema, string markerTable)
    {
        var client = await RealtimeClient.ConnectAsync(url, apiKey);
        await client.JoinAsync("markers", new { @event = "INSERT", schema, table = markerTable });
        return new Listener(client, markerTable);
    }

    /// <summary>Waits until a row of the marker table has come: then everything that was sent before has come too.</summary>
    public async Task WaitForMarkerAsync(long marker)
    {
        while (true)
        {
            Task arrival;
            lock (_gate)
            {
                if (_marker >= marker)
                {
                    return;
                }

                arrival = _arrival.Task;
            }

            await arrival.WaitAsync(_limit);
        }
    }

    /// <summary>Everything about other tables since the last call, in the order of arrival.</summary>
    public IReadOnlyList<JsonElement> Take()
    {
        var taken = new List<JsonElement>();
        while (_messages.TryDequeue(out var message))
        {
            taken.Add(message);
        }

        return taken;
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _reading;
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                Accept((await Client.Hub.NextAsync("postgres_changes", Timeout.InfiniteTimeSpan))[0]);
            }
        }
        catch (InvalidOperationException)
        {
            // The connection has ended, as the test wants it to; were it earlier, a marker would be missed.
        }
    }

    private void Accept(JsonElement message)
    {
        if (message.GetProperty("table").GetString() != _markerTable)
        {
            _messages.Enqueue(message);
            return;
        }

        var arrived = message.GetProperty("changes").EnumerateArray().Max(change => change.GetProperty("record").GetProperty("id").GetInt64());
        lock (_gate)
        {
            _marker = Math.Max(_marker, arrived);
            var arrival = _arrival;
            _arrival = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            arrival.SetResult();
        }
    }
}
