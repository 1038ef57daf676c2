namespace Serverless.EmbeddedSignalR;

/// <summary>
/// What waits to be written to one connection, in order and bounded in bytes. Whoever adds to an idle queue writes at once, on its own
/// thread; when a write does not complete at once, the rest is written behind the caller's back.
/// </summary>
internal sealed class OutgoingQueue(Func<OutgoingMessage, ValueTask> write, Action<Exception> failed, int maxBytes)
{
    private readonly Lock _lock = new();
    private readonly Queue<OutgoingMessage> _waiting = new();
    private TaskCompletionSource? _room;
    private int _bytes;
    private long _written;
    private bool _writing;
    private bool _lagging;
    private bool _closed;

    /// <summary>How many messages were written: grows as long as the client reads.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>Adds a message. Never waits for the client.</summary>
    /// <param name="room">
    /// Where more than half of the bound now waits: completes when that is no longer so. Null otherwise, and for a client that
    /// <see cref="NoteLag"/> said is not worth waiting for.
    /// </param>
    /// <returns>False where the bound does not allow it; the queue is then closed and empty. A message alone may be larger than the bound.</returns>
    public bool TryAdd(OutgoingMessage message, out Task? room)
    {
        lock (_lock)
        {
            room = null;
            if (_closed)
            {
                return true;
            }

            if (_bytes > 0 && _bytes + message.Length > maxBytes)
            {
                Close();
                return false;
            }

            _bytes += message.Length;
            if (_bytes > maxBytes / 2 && !_lagging)
            {
                _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _room.Task;
            }

            if (_writing)
            {
                _waiting.Enqueue(message);
                return true;
            }

            _writing = true;
        }

        Write(message);
        return true;
    }

    /// <summary>Somebody has waited in vain for this client. Nobody does again until it has caught up.</summary>
    public void NoteLag()
    {
        lock (_lock)
        {
            _lagging = _room is not null;
            ReleaseRoom();
        }
    }

    /// <summary>Forgets what waits and takes no more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            _waiting.Clear();
            ReleaseRoom();
        }
    }

    private void Write(OutgoingMessage message)
    {
        try
        {
            while (true)
            {
                var written = write(message);
                if (!written.IsCompletedSuccessfully)
                {
                    _ = WriteOnAsync(written, message);
                    return;
                }

                if (Next(message) is not { } next)
                {
                    return;
                }

                message = next;
            }
        }
        catch (Exception ex) when (ex is not OutOfMemoryException)
        {
            Fail(ex);
        }
    }

    private async Task WriteOnAsync(ValueTask written, OutgoingMessage message)
    {
        try
        {
            await written;
            while (Next(message) is { } next)
            {
                message = next;
                await write(message);
            }
        }
        catch (Exception ex) when (ex is not OutOfMemoryException)
        {
            Fail(ex);
        }
    }

    private OutgoingMessage? Next(OutgoingMessage written)
    {
        lock (_lock)
        {
            _bytes -= written.Length;
            Interlocked.Increment(ref _written);
            if (_bytes <= maxBytes / 2)
            {
                _lagging = false;
                ReleaseRoom();
            }

            if (written.IsLast)
            {
                Close();
            }

            if (_waiting.TryDequeue(out var next))
            {
                return next;
            }

            _writing = false;
            return null;
        }
    }

    private void Fail(Exception exception)
    {
        Close();
        failed(exception);
    }

    private void ReleaseRoom()
    {
        _room?.TrySetResult();
        _room = null;
    }
}
