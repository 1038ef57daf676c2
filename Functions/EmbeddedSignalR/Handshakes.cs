namespace Serverless.EmbeddedSignalR;

/// <summary>
/// The connections that are being made. A client hears that its handshake is done a moment before the hub counts it as connected; a call
/// about its user in that moment waits here instead of finding nobody.
/// </summary>
internal sealed class Handshakes(TimeProvider time)
{
    // Who holds a connection open without a handshake delays calls about itself only, and not for longer than this.
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Dictionary<string, TaskCompletionSource>> _ofUser = new(StringComparer.Ordinal);

    public void Begin(string userId, string connectionId)
    {
        lock (_lock)
        {
            if (!_ofUser.TryGetValue(userId, out var connections))
            {
                _ofUser[userId] = connections = new Dictionary<string, TaskCompletionSource>(StringComparer.Ordinal);
            }

            connections[connectionId] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>The connection counts as connected, or will never be. A second time does nothing.</summary>
    public void End(string userId, string connectionId)
    {
        lock (_lock)
        {
            if (_ofUser.TryGetValue(userId, out var connections) && connections.Remove(connectionId, out var ended))
            {
                ended.SetResult();
                if (connections.Count == 0)
                {
                    _ofUser.Remove(userId);
                }
            }
        }
    }

    public Task WaitAsync(string userId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _ofUser.TryGetValue(userId, out var connections)
                ? WaitAsync([.. connections.Values.Select(connection => connection.Task)], cancellationToken)
                : Task.CompletedTask;
        }
    }

    private async Task WaitAsync(Task[] handshakes, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(handshakes).WaitAsync(_limit, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Not connected, then.
        }
    }
}
