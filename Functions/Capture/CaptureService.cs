using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Database;

namespace Serverless.Capture;

/// <summary>
/// Keeps a capture session open while the process runs. Where another process has the lease, it asks again after a while; when a session
/// fails, as it does whenever Postgres restarts, it opens the next after a wait that doubles with each failure on end. It leaves behind the slot,
/// which keeps the log for whoever streams next.
/// </summary>
internal sealed partial class CaptureService(
    CaptureSession session,
    DatabaseReadiness readiness,
    IOptions<CaptureOptions> options,
    TimeProvider time,
    ILogger<CaptureService> logger) : BackgroundService
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _healthyAfter = TimeSpan.FromSeconds(30);

    private readonly CaptureOptions _options = options.Value;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!_options.Enabled)
        {
            Log.Disabled(logger);
            return;
        }

        await readiness.WhenReadyAsync(stoppingToken);
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            var started = time.GetTimestamp();
            var failed = await RunSessionAsync(stoppingToken);
            failures = !failed ? 0 : time.GetElapsedTime(started) > _healthyAfter ? 1 : failures + 1;
            await Task.Delay(WaitAfter(failures), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Whether the session failed, so that the next had better wait longer.</summary>
    private async Task<bool> RunSessionAsync(CancellationToken stoppingToken)
    {
        try
        {
            var outcome = await session.RunAsync(stoppingToken);
            Report(outcome);
            return outcome == SessionOutcome.PublicationMissing;
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            return false;
        }
        catch (PostgresException ex)
        {
            Log.SessionEnded(logger, _options.Slot, $"{ex.SqlState}: {ex.MessageText}");
        }
        catch (Exception ex) when (ex is NpgsqlException or IOException or TimeoutException or CaptureException)
        {
            Log.SessionEnded(logger, _options.Slot, ex.Message);
        }
        catch (Exception ex)
        {
            Log.SessionFailed(logger, ex, _options.Slot);
        }

        return true;
    }

    private void Report(SessionOutcome outcome)
    {
        switch (outcome)
        {
            case SessionOutcome.LeaseHeldElsewhere:
                Log.StandingBy(logger, _options.Slot);
                break;
            case SessionOutcome.PublicationMissing:
                Log.PublicationMissing(logger, _options.Publication);
                break;
            default:
                Log.StreamEnded(logger, _options.Slot);
                break;
        }
    }

    // The first failure is most often a restart, over in a moment, so it costs no more than the ordinary wait.
    private TimeSpan WaitAfter(int failures)
    {
        var doubled = _options.ReopenAfter * Math.Pow(2, Math.Clamp(failures - 1, 0, 10));
        return doubled < _longestWait ? doubled : _options.ReopenAfter > _longestWait ? _options.ReopenAfter : _longestWait;
    }
}
