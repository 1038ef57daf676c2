namespace Serverless.ChangeLog;

/// <summary>Waits for one table's changes. Wakings while nobody waits become one.</summary>
internal sealed class LogWatcher(LogWatch watch, string announcement) : IDisposable
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _woken = NewSource();

    public string Announcement { get; } = announcement;

    /// <summary>Returns when the table's changes were logged since the last call, or after a while all the same.</summary>
    public async Task WaitAsync(TimeSpan longest, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            await Current().WaitAsync(longest, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // What was announced while nobody listened is found by looking.
        }

        lock (_lock)
        {
            // Before the log is read: what is announced from here on wakes the next call.
            _woken = NewSource();
        }
    }

    public void Wake()
    {
        lock (_lock)
        {
            _woken.TrySetResult();
        }
    }

    public void Dispose() => watch.Remove(this);

    private Task Current()
    {
        lock (_lock)
        {
            return _woken.Task;
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
