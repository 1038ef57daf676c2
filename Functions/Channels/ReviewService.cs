using Npgsql;
using Serverless.Database;
using Serverless.Delivery;
using Serverless.Subscriptions.Registry;

namespace Serverless.Channels;

/// <summary>Every few seconds ends what is over: expired tokens, and rights on private topics that were lost.</summary>
/// <remarks>
/// Starts when the database is ready, on every instance: each channel is taken by one of them. Row changes of an expired token end before anything more is sent in any case; for
/// broadcasts and presence this is what ends them, so the bound is <see cref="_interval"/> and the work of one round. A round that fails leaves everything to the next.
/// </remarks>
internal sealed partial class ReviewService(
    DatabaseReadiness readiness, SubscriptionExpiry expiry, TopicReview review, TimeProvider time, ILogger<ReviewService> logger) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenReadyAsync(stoppingToken);
        using var timer = new PeriodicTimer(_interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ReviewAsync(stoppingToken);
            }
            catch (Exception ex) when (ex is NpgsqlException or DeliveryException)
            {
                Log.ReviewFailed(logger, ex);
            }
        }
    }

    internal async Task ReviewAsync(CancellationToken cancellationToken)
    {
        // First the row changes, which tell of the expiry for their whole topic.
        await expiry.EndAllExpiredAsync(cancellationToken);
        await review.EndExpiredAsync(cancellationToken);
        await review.ReviewAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(5102, LogLevel.Warning, "Expired channels could not be ended, or private topics not judged anew; the next round, in a few seconds, takes it up.")]
        public static partial void ReviewFailed(ILogger logger, Exception exception);
    }
}
