using Npgsql;
using Serverless.Broadcast;
using Serverless.ChangeLog;
using Serverless.Database;
using Serverless.Delivery;
using Serverless.Subscriptions.Registry;

namespace Serverless.Channels;

/// <summary>Once a minute takes away what nobody needs: old log, old tombstones, and the sessions whose end was never told.</summary>
/// <remarks>
/// Starts when the database is ready. One instance sweeps at a time, by an advisory lock it does not wait for; the others try again a minute later. A sweep that
/// fails leaves everything to the next.
/// </remarks>
internal sealed partial class SweepService(
    NpgsqlDataSource dataSource,
    DatabaseReadiness readiness,
    ChangeLogTrim log,
    KeptMessages messages,
    RegistrySweep registry,
    SessionEvents sessions,
    SessionGroups groups,
    TimeProvider time,
    ILogger<SweepService> logger) : BackgroundService
{
    private const int SessionsAtOnce = 8;

    private static readonly TimeSpan _interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _sessionAge = TimeSpan.FromMinutes(5);

    // Longer than a call takes to settle a session's groups.
    private static readonly TimeSpan _settlingTime = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenReadyAsync(stoppingToken);
        using var timer = new PeriodicTimer(_interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception ex) when (ex is NpgsqlException or DeliveryException)
            {
                Log.SweepFailed(logger, ex);
            }
        }
    }

    internal async Task SweepAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var lockCommand = new NpgsqlCommand($"select pg_try_advisory_lock({AdvisoryLocks.Sweep}, 0)", connection);
        if (await lockCommand.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return;
        }

        try
        {
            await log.TrimAsync(cancellationToken);
            await messages.PurgeAsync(cancellationToken);
            await ForEachAsync(await registry.UnsettledSessionsAsync(_settlingTime, cancellationToken), TidyAsync, cancellationToken);
            await registry.SweepAsync(cancellationToken);
            await ForEachAsync(await registry.LiveSessionsAsync(_sessionAge, cancellationToken), sessions.EndIfGoneAsync, cancellationToken);
        }
        finally
        {
            await using var unlock = new NpgsqlCommand($"select pg_advisory_unlock({AdvisoryLocks.Sweep}, 0)", connection);
            await unlock.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    private async Task TidyAsync(Guid session, CancellationToken cancellationToken)
    {
        await using var lease = await SessionLease.AcquireAsync(dataSource, session, cancellationToken);
        await groups.TidyAsync(lease.Connection, session, cancellationToken);
    }

    // Each is a call to the SignalR service; one that fails is asked about again by the next sweep.
    private Task ForEachAsync(IReadOnlyList<Guid> ofSessions, Func<Guid, CancellationToken, Task> call, CancellationToken cancellationToken) => Parallel.ForEachAsync(
        ofSessions,
        new ParallelOptions { MaxDegreeOfParallelism = SessionsAtOnce, CancellationToken = cancellationToken },
        async (session, token) =>
        {
            try
            {
                await call(session, token);
            }
            catch (DeliveryException ex)
            {
                Log.SweepFailed(logger, ex);
            }
        });

    private static partial class Log
    {
        [LoggerMessage(5101, LogLevel.Warning, "A sweep did not finish; the next one, in a minute, takes up what it left.")]
        public static partial void SweepFailed(ILogger logger, Exception exception);
    }
}
