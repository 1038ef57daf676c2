namespace Serverless.Delivery.AzureSignalR;

/// <summary>How long to wait before another try.</summary>
internal sealed class RetryWaits(Random random)
{
    private readonly Lock _lock = new();

    /// <summary>Doubles with each try and is shortened by up to half at random, so that callers who failed together do not come back together.</summary>
    /// <param name="attempt">Tries made so far, from 1.</param>
    public TimeSpan After(int attempt, TimeSpan first)
    {
        lock (_lock)
        {
            return first * (1 << (attempt - 1)) * (1 - (random.NextDouble() / 2));
        }
    }
}
