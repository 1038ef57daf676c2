using Npgsql;
using Serverless.Database;

namespace Serverless.Presence.Tables;

/// <summary>Keeps the tables of <see cref="PresenceOptions.Tables"/>: every second where typing has ended, every few seconds where a user has gone.</summary>
/// <remarks>Starts when the database is ready, and ends at once where no table is configured. Of several instances one works at a time. What fails is left to the next second.</remarks>
internal sealed partial class PresenceTableService(
    PresenceTables tables, PresenceTableSweep sweep, DatabaseReadiness readiness, TimeProvider time, ILogger<PresenceTableService> logger) : BackgroundService
{
    private const int SecondsBetweenLooks = 60;
    private const int SecondsBetweenSilences = 5;

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!tables.AreConfigured)
        {
            return;
        }

        await readiness.WhenReadyAsync(stoppingToken);
        using var timer = new PeriodicTimer(_interval, time);
        for (var second = 0; ; second++)
        {
            try
            {
                if (second % SecondsBetweenLooks == 0 && !tables.AreComplete)
                {
                    await tables.LookAsync(stoppingToken);
                }

                await sweep.SweepAsync(second % SecondsBetweenSilences == 0, stoppingToken);
            }
            catch (NpgsqlException ex)
            {
                Log.PresenceTablesWaiting(logger, ex);
            }

            if (!await timer.WaitForNextTickAsync(stoppingToken))
            {
                return;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(7103, LogLevel.Information, "The tables of Presence:Tables could not be looked after; it is tried again in a second.")]
        public static partial void PresenceTablesWaiting(ILogger logger, Exception exception);
    }
}
