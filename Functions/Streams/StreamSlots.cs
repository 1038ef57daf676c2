using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.Options;
using Serverless.Calls;

namespace Serverless.Streams;

/// <summary>Bounds how many streams this process serves at a time.</summary>
internal sealed class StreamSlots : IDisposable
{
    private const int RetryAfterSeconds = 10;

    private readonly int _most;
    private readonly Meter _meter = new("Serverless.Realtime.Streams");
    private int _taken;

    public StreamSlots(IOptions<StreamOptions> options)
    {
        _most = options.Value.MaxStreams;
        _meter.CreateObservableGauge("realtime.streams.open", () => Taken, "{stream}", "Streams that this process serves.");
    }

    public int Taken => Volatile.Read(ref _taken);

    /// <summary>A place, until it is disposed.</summary>
    /// <exception cref="RefusedCallException">All are taken.</exception>
    public IDisposable Take(HttpResponse response)
    {
        if (Interlocked.Increment(ref _taken) <= _most)
        {
            return new Slot(this);
        }

        Interlocked.Decrement(ref _taken);
        response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        throw new RefusedCallException(new ErrorAnswer(
            StatusCodes.Status503ServiceUnavailable,
            "TooManyStreams",
            $"This process serves {_most} streams already (Streams:MaxStreams). Open one again in {RetryAfterSeconds} seconds, or join a channel, which takes no connection here."));
    }

    public void Dispose() => _meter.Dispose();

    private sealed class Slot(StreamSlots slots) : IDisposable
    {
        private int _given;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _given, 1) == 0)
            {
                Interlocked.Decrement(ref slots._taken);
            }
        }
    }
}
