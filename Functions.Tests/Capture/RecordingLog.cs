using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Serverless.Capture;

/// <summary>Hands log entries to the test, by event name.</summary>
internal sealed class RecordingLog : ILoggerFactory, ILogger
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly Channel<(string? Name, string Message)> _entries = Channel.CreateUnbounded<(string?, string)>();

    /// <summary>Reads on to the next entry of that name and returns its message.</summary>
    public async Task<string> WaitForAsync(string name)
    {
        while (true)
        {
            var entry = await _entries.Reader.ReadAsync().AsTask().WaitAsync(_limit);
            if (entry.Name == name)
            {
                return entry.Message;
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("Tests read the entries here.");

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _entries.Writer.TryWrite((eventId.Name, formatter(state, exception)));

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Dispose()
    {
    }
}
