using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.SignalR;

namespace Serverless.EmbeddedSignalR;

/// <summary>One connected client.</summary>
internal sealed partial class ClientConnection
{
    /// <summary>What a client that is closed has to read what waits for it.</summary>
    private static readonly TimeSpan _closeWithin = TimeSpan.FromSeconds(5);

    private readonly HubConnectionContext _context;
    private readonly OutgoingQueue _outgoing;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly int _maxBytes;

    public ClientConnection(HubConnectionContext context, int maxBytes, TimeProvider time, ILogger logger)
    {
        _context = context;
        _maxBytes = maxBytes;
        _time = time;
        _logger = logger;
        _outgoing = new OutgoingQueue(WriteAsync, Failed, maxBytes);
    }

    public string Id => _context.ConnectionId;

    /// <summary>Null for a token that names no user.</summary>
    public string? UserId => _context.UserIdentifier;

    /// <summary>Its memberships; read and changed only under the lock of <see cref="ClientConnections"/>.</summary>
    public HashSet<ClientGroup> Groups { get; } = [];

    /// <summary>Queues a message; disconnects a client for whom too much waits already.</summary>
    /// <returns>As <see cref="OutgoingQueue.TryAdd"/>'s room.</returns>
    public Task? Send(OutgoingMessage message)
    {
        if (!_outgoing.TryAdd(message, out var room))
        {
            Log.TooSlow(_logger, Id, _maxBytes);
            Abort();
        }

        return room;
    }

    /// <summary>As <see cref="OutgoingQueue.Written"/>.</summary>
    public long Written => _outgoing.Written;

    public void NoteLag() => _outgoing.NoteLag();

    /// <summary>Tells the client why, after what already waits for it, and disconnects it; soon, even if it does not read.</summary>
    public void Close(string reason)
    {
        Send(OutgoingMessage.Close(reason));
        var limit = _time.CreateTimer(_ => Abort(), state: null, _closeWithin, Timeout.InfiniteTimeSpan);
        _context.ConnectionAborted.Register(limit.Dispose);
    }

    /// <summary>The connection is gone.</summary>
    public void Ended() => _outgoing.Close();

    private ValueTask WriteAsync(OutgoingMessage message) =>
        message.IsLast ? WriteLastAsync(message) : _context.WriteAsync(message.Frame);

    private async ValueTask WriteLastAsync(OutgoingMessage message)
    {
        await _context.WriteAsync(message.Frame);
        _context.Abort();
    }

    private void Failed(Exception exception)
    {
        Log.WriteFailed(_logger, exception, Id);
        Abort();
    }

    // The hub's own abort waits for the write under way, which a client that does not read never ends; the transport's ends that too.
    private void Abort()
    {
        _context.Abort();
        _context.Features.Get<IConnectionLifetimeFeature>()?.Abort();
    }

    private static partial class Log
    {
        [LoggerMessage(4501, LogLevel.Warning, "Client '{ConnectionId}' is disconnected: more than {MaxBytes} bytes wait for it. It reads too slowly or not at all.")]
        public static partial void TooSlow(ILogger logger, string connectionId, int maxBytes);

        [LoggerMessage(4502, LogLevel.Information, "Client '{ConnectionId}' could not be written to and is disconnected.")]
        public static partial void WriteFailed(ILogger logger, Exception exception, string connectionId);
    }
}
