using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Npgsql;
using Serverless.ChangeLog;
using Serverless.Subscriptions.FanOut;

namespace Serverless.Streams;

/// <summary>One client's stream: looks into the log whenever it is woken, passes on what it finds, and waits.</summary>
/// <remarks>It reads as fast as its client does and no faster, so that of what the client has not taken only one piece of the log is in memory.</remarks>
internal sealed partial class ChangeStream(
    StreamedTable table, EventWriter writer, TailReader tail, LogWatcher watcher, int maxChangeBytes, StreamOptions options, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan _reconnectAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestRetry = TimeSpan.FromSeconds(10);

    /// <exception cref="OperationCanceledException">The only way in which it ends.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // The place first: a connection that breaks before the first change is resumed too.
        writer.WriteRetry(_reconnectAfter);
        writer.WritePlace(EventId.Of(table.Reached));
        await WriteNoticesAsync(cancellationToken);
        await writer.FlushAsync(cancellationToken);
        while (true)
        {
            var piece = await ReadAsync(cancellationToken);
            await PassOnAsync(piece, cancellationToken);
            if (piece.IsEnd)
            {
                await StayAliveAsync(watcher.WaitAsync(options.Poll, time, cancellationToken), cancellationToken);
            }
        }
    }

    /// <summary>Tells why the stream ends, and how far it has come.</summary>
    /// <param name="last">Null where it simply ends, to be resumed.</param>
    public async Task EndAsync(StreamNotice? last, CancellationToken cancellationToken)
    {
        if (last is not null)
        {
            await WriteAsync("system", null, last, StreamJson.Default.StreamNotice, cancellationToken);
        }

        writer.WritePlace(EventId.Of(table.Reached));
        await writer.FlushAsync(cancellationToken);
    }

    // A client that is answered with an error does not come back by itself, so a stream outlives a restart of the database.
    private async Task<TailPiece> ReadAsync(CancellationToken cancellationToken)
    {
        for (var retry = _reconnectAfter; ; retry = retry * 2 < _longestRetry ? retry * 2 : _longestRetry)
        {
            try
            {
                var reading = tail.ReadAsync(table, cancellationToken);
                await StayAliveAsync(reading, cancellationToken);
                return await reading;
            }
            catch (NpgsqlException ex) when (!cancellationToken.IsCancellationRequested)
            {
                if (retry == _reconnectAfter)
                {
                    Log.StreamWaits(logger, ex);
                }

                await StayAliveAsync(Task.Delay(retry, time, cancellationToken), cancellationToken);
            }
        }
    }

    private async Task PassOnAsync(TailPiece piece, CancellationToken cancellationToken)
    {
        var encoder = new ChangeEncoder(maxChangeBytes);
        foreach (var shaped in piece.Changes.SelectMany(part => part.Changes))
        {
            var at = table.Reached with { Position = shaped.Change.Position };

            // Before it waits for the reader: what is written comes before whatever is written to end the stream.
            table.Reached = at;
            await writer.WriteEventAsync(null, EventId.Of(at), ChangeData.Of(shaped, encoder), cancellationToken);
        }

        table.Reached = piece.Reached;
        if (piece.Gap is { } gap)
        {
            await WriteAsync("gap", EventId.Of(piece.Reached), gap, StreamJson.Default.Gap, cancellationToken);
        }

        await WriteNoticesAsync(cancellationToken);
        await writer.FlushAsync(cancellationToken);
    }

    private async Task WriteNoticesAsync(CancellationToken cancellationToken)
    {
        foreach (var notice in table.TakeNotices())
        {
            await WriteAsync("system", null, notice, StreamJson.Default.StreamNotice, cancellationToken);
        }
    }

    private ValueTask WriteAsync<T>(string name, string? id, T data, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        writer.WriteEventAsync(name, id, JsonSerializer.SerializeToUtf8Bytes(data, type), cancellationToken);

    /// <summary>Waits for the work, and shows meanwhile that the stream is alive and how far it has come.</summary>
    private async Task StayAliveAsync(Task work, CancellationToken cancellationToken)
    {
        while (true)
        {
            var left = options.KeepAlive - writer.Silence;
            if (left <= TimeSpan.Zero)
            {
                writer.WritePlace(EventId.Of(table.Reached));
                await writer.FlushAsync(cancellationToken);
                continue;
            }

            try
            {
                // The work itself is cancelled by the same token, and is waited for until it has let go of what it holds.
                await work.WaitAsync(left, time, CancellationToken.None);
                return;
            }
            catch (TimeoutException) when (!work.IsCompleted)
            {
                // It takes longer than a stream may be silent.
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3602, LogLevel.Warning, "A stream could not read the log of changes; it stays open and tries again.")]
        public static partial void StreamWaits(ILogger logger, Exception exception);
    }
}
