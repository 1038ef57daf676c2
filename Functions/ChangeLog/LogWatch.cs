using Npgsql;
using Serverless.Database;

namespace Serverless.ChangeLog;

/// <summary>Tells whoever waits for a table's changes that some were logged, by whatever instance.</summary>
/// <remarks>
/// One connection listens for all of the process, and only while somebody waits. What is logged while it is not there yet, or broken, is not announced to us; so everybody is woken when it
/// begins to listen, and looks by himself now and then besides.
/// </remarks>
internal sealed partial class LogWatch(
    [FromKeyedServices(DatabaseServices.ForListening)] NpgsqlDataSource dataSource, TimeProvider time, ILogger<LogWatch> logger) : IDisposable
{
    private static readonly TimeSpan _firstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _lastRetry = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly HashSet<LogWatcher> _watchers = [];
    private CancellationTokenSource? _listening;

    /// <summary>Watches from now on, until the watcher is disposed.</summary>
    public LogWatcher Watch(string schema, string table)
    {
        var watcher = new LogWatcher(this, LogAnnouncement.Of(schema, table));
        lock (_lock)
        {
            _watchers.Add(watcher);
            if (_listening is null)
            {
                _listening = new CancellationTokenSource();
                var stopped = _listening.Token;
                _ = Task.Run(() => ListenAsync(stopped), CancellationToken.None);
            }
        }

        return watcher;
    }

    /// <summary>Called by the watcher when it is disposed.</summary>
    public void Remove(LogWatcher watcher)
    {
        lock (_lock)
        {
            _watchers.Remove(watcher);
            if (_watchers.Count == 0)
            {
                Stop();
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            Stop();
        }
    }

    private void Stop()
    {
        _listening?.Cancel();
        _listening?.Dispose();
        _listening = null;
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var retry = _firstRetry;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
                connection.Notification += (_, notification) => Wake(notification.Payload);
                await using (var listen = new NpgsqlCommand($"listen {LogAnnouncement.Channel}", connection))
                {
                    await listen.ExecuteNonQueryAsync(cancellationToken);
                }

                Wake(announcement: null);
                retry = _firstRetry;
                while (true)
                {
                    await connection.WaitAsync(cancellationToken);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception ex) when (ex is NpgsqlException or IOException or TimeoutException or ObjectDisposedException or InvalidOperationException)
            {
                Log.NotListening(logger, ex, retry);
            }

            await Task.Delay(retry, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            retry = retry * 2 < _lastRetry ? retry * 2 : _lastRetry;
        }
    }

    /// <param name="announcement">Null for everybody.</param>
    private void Wake(string? announcement)
    {
        lock (_lock)
        {
            foreach (var watcher in _watchers)
            {
                if (announcement is null || watcher.Announcement == announcement)
                {
                    watcher.Wake();
                }
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3601, LogLevel.Warning, "The connection that is told when changes are logged ended or could not be opened; it is opened again in {Retry}. Until then streams look by themselves, now and then.")]
        public static partial void NotListening(ILogger logger, Exception exception, TimeSpan retry);
    }
}
