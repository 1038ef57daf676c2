using System.Net.WebSockets;
using System.Text.Json;
using Npgsql;

namespace Serverless.Chaos;

/// <summary>Waiting with an end.</summary>
internal static class Wait
{
    public static Task ForAsync(double seconds, CancellationToken cancellationToken = default) => Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, cancellationToken);

    /// <summary>Asks until the answer is yes; failing to ask is a no.</summary>
    public static async Task UntilAsync(string what, TimeSpan limit, Func<Task<bool>> holds)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < limit)
        {
            try
            {
                if (await holds())
                {
                    return;
                }
            }
            catch (Exception ex) when (IsTrouble(ex))
            {
                // It is down, as it is meant to be at times.
            }

            await ForAsync(0.1);
        }

        throw new TimeoutException($"{what}: not within {limit.TotalSeconds} seconds.");
    }

    /// <summary>Whether an exception is what killed processes and cut connections cause.</summary>
    public static bool IsTrouble(Exception exception) => exception
        is HttpRequestException or NpgsqlException or TimeoutException or OperationCanceledException or WebSocketException or IOException or InvalidOperationException
        or ObjectDisposedException or JsonException or System.Net.Sockets.SocketException;
}
