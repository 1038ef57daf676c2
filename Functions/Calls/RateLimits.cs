using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;

namespace Serverless.Calls;

/// <summary>What is counted, each by a rate of its own.</summary>
internal enum LimitKind
{
    Events,
    ApiEvents,
    Joins,
    Presence,
}

/// <summary>How near a caller is to a limit, as Supabase's headers tell it.</summary>
/// <param name="Limit">The rate, a second.</param>
/// <param name="Rolling">The average rate of late, a second.</param>
internal readonly record struct RateState(bool IsTaken, int Limit, double Rolling);

/// <summary>Bounds how much each caller asks for a second: a bucket for each, which fills at the rate and holds what the rate gives in the window.</summary>
/// <remarks>
/// Counted in each process by itself, so behind several instances a caller may get as many times the rate; a shared count would cost every message a round trip.
/// Buckets that have filled up again are forgotten.
/// </remarks>
internal sealed class RateLimits : IDisposable
{
    private const int MostBuckets = 100_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<(LimitKind Kind, string Who), Bucket> _buckets = [];
    private readonly LimitOptions _options;
    private readonly TimeProvider _time;
    private readonly Meter _meter = new("Serverless.Realtime.Limits");
    private readonly Counter<long> _refused;

    public RateLimits(IOptions<LimitOptions> options, TimeProvider time)
    {
        _options = options.Value;
        _time = time;
        _refused = _meter.CreateCounter<long>("realtime.limits.refused", "{call}", "Calls refused because their caller was over a limit.");
    }

    /// <summary>Takes so many from the caller's bucket, all or none.</summary>
    public RateState Take(LimitKind kind, string who, int count)
    {
        var rate = RateOf(kind);
        var most = rate * _options.Window.TotalSeconds;
        RateState state;
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            if (!_buckets.TryGetValue((kind, who), out var bucket))
            {
                ForgetFull(now);
                _buckets.Add((kind, who), bucket = new Bucket { Left = most, At = now });
            }

            bucket.Left = Math.Min(most, bucket.Left + (_time.GetElapsedTime(bucket.At, now).TotalSeconds * rate));
            bucket.At = now;

            // More at once than a bucket ever holds would never be let through, so it takes a full one, and the caller pays by waiting.
            var isTaken = bucket.Left >= Math.Min(count, most);
            bucket.Left -= isTaken ? count : 0;
            state = new RateState(isTaken, rate, (most - bucket.Left) / _options.Window.TotalSeconds);
        }

        if (!state.IsTaken)
        {
            _refused.Add(count, new KeyValuePair<string, object?>("limit", kind.ToString()));
        }

        return state;
    }

    public void Dispose() => _meter.Dispose();

    private int RateOf(LimitKind kind) => kind switch
    {
        LimitKind.Events => _options.EventsPerSecond,
        LimitKind.ApiEvents => _options.ApiEventsPerSecond,
        LimitKind.Joins => _options.JoinsPerSecond,
        _ => _options.PresencePerSecond,
    };

    private void ForgetFull(long now)
    {
        if (_buckets.Count < MostBuckets)
        {
            return;
        }

        foreach (var (key, bucket) in _buckets)
        {
            if (_time.GetElapsedTime(bucket.At, now) >= _options.Window)
            {
                _buckets.Remove(key);
            }
        }

        // A storm of callers that are all new: forgetting some is better than growing without end.
        if (_buckets.Count >= MostBuckets)
        {
            _buckets.Clear();
        }
    }

    private sealed class Bucket
    {
        public double Left { get; set; }

        public long At { get; set; }
    }
}
