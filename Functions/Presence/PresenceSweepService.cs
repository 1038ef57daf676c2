using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Bus;
using Serverless.Database;
using Serverless.Delivery;

namespace Serverless.Presence;

/// <summary>Sweeps presence every few seconds: each tenth of the timeout, but at most every second and at least every five.</summary>
/// <remarks>
/// Starts when the database is ready and ends with the process. Of several instances one sweeps at a time. A process whose embedded SignalR stands by for another's does not sweep: it could not tell that one's
/// clients. A sweep that fails leaves everything to the next.
/// </remarks>
internal sealed partial class PresenceSweepService(
    PresenceSweep sweep, DatabaseReadiness readiness, IRealtimeDelivery delivery, ChangeFeed feed, IOptions<PresenceOptions> options, TimeProvider time, ILogger<PresenceSweepService> logger)
    : BackgroundService
{
    private readonly TimeSpan _interval = TimeSpan.FromSeconds(Math.Clamp(options.Value.Timeout.TotalSeconds / 10, 1, 5));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenReadyAsync(stoppingToken);
        using var timer = new PeriodicTimer(_interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (delivery.IsLocal && !feed.ReachesThisProcess)
            {
                continue;
            }

            try
            {
                await sweep.SweepAsync(stoppingToken);
            }
            catch (NpgsqlException ex)
            {
                Log.PresenceSweepFailed(logger, ex);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(7002, LogLevel.Warning, "A sweep of presence did not finish; the next one, in a few seconds, takes up what it left.")]
        public static partial void PresenceSweepFailed(ILogger logger, Exception exception);
    }
}
