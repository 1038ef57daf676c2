using Npgsql;
using Serverless.Bus;
using Serverless.Database;
using Serverless.Delivery;

namespace Serverless.Hosting;

/// <summary><c>/healthz</c>: the process answers. <c>/readyz</c>: it can serve, since its database answers, is migrated, and keeps changes for capture.</summary>
internal static class HealthEndpoints
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(2);

    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/healthz", () => Results.Json(new { status = "ok" }));
        app.MapGet("/readyz", ReadyAsync);
    }

    private static async Task<IResult> ReadyAsync(
        NpgsqlDataSource dataSource,
        DatabaseReadiness readiness,
        ChangeFeed feed,
        IRealtimeDelivery delivery,
        IConfiguration configuration,
        CancellationToken cancellationToken)
    {
        if (!readiness.IsReady)
        {
            return NotReady("The database has not been migrated yet; the log says what is in the way.");
        }

        // Clients that connect to this process are reached by it alone, and it has something to tell them only while it captures.
        if (delivery.IsLocal && !feed.ReachesThisProcess)
        {
            return NotReady("This process does not capture changes: it is starting, or another one on the same database does.");
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_limit);
        try
        {
            await using var command = dataSource.CreateCommand(
                "select $1 = '' or exists (select from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn is not null)");
            command.Parameters.AddWithValue(configuration["Capture:Slot"] ?? "serverless_changes");
            return await command.ExecuteScalarAsync(limit.Token) is true
                ? Results.Json(new { status = "ok" })
                : NotReady("The replication slot does not exist yet, so changes are not captured.");
        }
        catch (Exception ex) when (ex is NpgsqlException || (ex is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return NotReady("The database does not answer.");
        }
    }

    private static IResult NotReady(string reason) => Results.Json(new { status = "not ready", reason }, statusCode: StatusCodes.Status503ServiceUnavailable);
}
