namespace Serverless.Support;

/// <summary>The system's clock, moved forward by hand. Waiting goes on as ever.</summary>
internal sealed class MovedTime : TimeProvider
{
    private long _ticks;

    public void Move(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _ticks));
}
