namespace Serverless.Capture;

/// <summary>Lets go of what the driver may never finish letting go of.</summary>
/// <remarks>
/// When the server ends a stream with an error just as the driver's timer sends a status message, the driver may wait for itself without end, and capture would stand still with it. What is not
/// done within the limit is left: the next session ends the server's side of it before it takes the slot.
/// </remarks>
internal static class Disposal
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);

    public static async Task WithinLimitAsync(IAsyncDisposable resource, TimeProvider time)
    {
        try
        {
            await resource.DisposeAsync().AsTask().WaitAsync(_limit, time);
        }
        catch (TimeoutException)
        {
            // Whatever ended the stream is what the caller is to hear of.
        }
    }
}
