using System.Collections.Concurrent;

namespace Serverless.Support;

/// <summary>Time in which nobody waits: it stands still until a timer is made, and then leaps to the timer's end.</summary>
internal sealed class LeapingTime : TimeProvider
{
    private static readonly DateTimeOffset _start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly ConcurrentQueue<TimeSpan> _waits = new();
    private long _elapsed;

    /// <summary>What the timers were made for, in order.</summary>
    public IReadOnlyCollection<TimeSpan> Waits => _waits;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Leap(TimeSpan time) => Interlocked.Add(ref _elapsed, time.Ticks);

    public override long GetTimestamp() => Volatile.Read(ref _elapsed);

    public override DateTimeOffset GetUtcNow() => _start + TimeSpan.FromTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _waits.Enqueue(dueTime);
        Leap(dueTime);
        return System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
