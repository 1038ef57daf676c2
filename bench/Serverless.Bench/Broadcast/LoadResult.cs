namespace Serverless.Bench.Broadcast;

internal enum LoadTarget
{
    Service,
    Hub,
}

/// <summary>What the load saw. Times are in milliseconds, from before a message was sent until a connection had read it.</summary>
/// <param name="PerSecond">Deliveries a second, over the time from the first send to the last delivery.</param>
/// <param name="ServerSeconds">Processor time of the server's process, its start included.</param>
internal sealed record LoadResult(double PerSecond, double P50, double P99, double Most, long Lost, double ServerSeconds = 0);
