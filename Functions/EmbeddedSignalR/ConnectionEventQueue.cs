using System.Threading.Channels;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR;

/// <summary>Tells of connections and disconnections, off the connections' own path.</summary>
/// <remarks>
/// A few readers run for the life of the service, each with a bounded queue; a connection's events all go to the same one, which keeps their
/// order. A full queue drops the event and says so: nobody may rely on hearing of every one. On stop, what is queued is still told, as long as the
/// host allows.
/// </remarks>
internal sealed partial class ConnectionEventQueue(
    IEnumerable<IConnectionEvents> listeners, UpstreamEvents upstream, ILogger<ConnectionEventQueue> logger) : BackgroundService
{
    private const int Readers = 8;
    private const int MaxQueued = 2048;

    private readonly IConnectionEvents[] _listeners = [.. listeners];
    private readonly Channel<ConnectionEvent>[] _queues =
        [.. Enumerable.Range(0, Readers).Select(_ => Channel.CreateBounded<ConnectionEvent>(new BoundedChannelOptions(MaxQueued) { SingleReader = true }))];

    public void Add(ConnectionEvent happened)
    {
        var queue = _queues[(uint)StringComparer.Ordinal.GetHashCode(happened.ConnectionId) % Readers];
        if (!queue.Writer.TryWrite(happened))
        {
            Log.Dropped(logger, happened.Name, happened.ConnectionId);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var queue in _queues)
        {
            queue.Writer.TryComplete();
        }

        if (ExecuteTask is { } readers)
        {
            await readers.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await base.StopAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(_queues.Select(queue => TellAsync(queue.Reader, stoppingToken)));

    private async Task TellAsync(ChannelReader<ConnectionEvent> queue, CancellationToken cancellationToken)
    {
        await foreach (var happened in queue.ReadAllAsync(cancellationToken))
        {
            try
            {
                await TellAsync(happened, cancellationToken);
            }
            catch (Exception ex) when (!cancellationToken.IsCancellationRequested)
            {
                Log.NotTold(logger, ex, happened.Name, happened.ConnectionId);
            }
        }
    }

    private async Task TellAsync(ConnectionEvent happened, CancellationToken cancellationToken)
    {
        await upstream.PostAsync(happened, cancellationToken);
        foreach (var listener in happened.UserId is null ? [] : _listeners)
        {
            await (happened.IsConnected
                ? listener.OnConnectedAsync(happened.UserId!, happened.ConnectionId, cancellationToken)
                : listener.OnDisconnectedAsync(happened.UserId!, happened.ConnectionId, cancellationToken));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4503, LogLevel.Warning, "Nobody is told that client '{ConnectionId}' has {Event}: too many events wait already. Whoever listens to them is too slow.")]
        public static partial void Dropped(ILogger logger, string @event, string connectionId);

        [LoggerMessage(4504, LogLevel.Warning, "Telling that client '{ConnectionId}' has {Event} failed; it is not repeated.")]
        public static partial void NotTold(ILogger logger, Exception exception, string @event, string connectionId);
    }
}
