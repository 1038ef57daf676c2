using Microsoft.Extensions.Options;
using Npgsql;

namespace Serverless.Database;

/// <summary>Migrates once, in the background, so that the process answers its host while the database is still coming up.</summary>
/// <remarks>
/// Starts with the process and ends with the first success. Until then it tries again, at first soon and then every ten seconds, and <c>/readyz</c> says no.
/// </remarks>
internal sealed partial class MigrationService(
    Migrator migrator,
    DatabaseReadiness readiness,
    IOptions<DatabaseOptions> options,
    TimeProvider time,
    ILogger<MigrationService> logger) : BackgroundService
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Migrate)
        {
            readiness.SetReady();
            return;
        }

        var wait = TimeSpan.FromMilliseconds(250);
        while (true)
        {
            try
            {
                await migrator.MigrateAsync(stoppingToken);
                readiness.SetReady();
                return;
            }
            catch (NpgsqlException ex)
            {
                Log.DatabaseNotReady(logger, ex.SqlState ?? ex.GetBaseException().GetType().Name, Describe(ex), wait);
            }

            await Task.Delay(wait, time, stoppingToken);
            wait = wait * 2 < _longestWait ? wait * 2 : _longestWait;
        }
    }

    private static string Describe(NpgsqlException exception) =>
        exception is PostgresException postgres ? postgres.MessageText : exception.GetBaseException().Message;

    private static partial class Log
    {
        [LoggerMessage(8002, LogLevel.Warning, "The database is not ready ({Code}: {Message}); trying again in {Wait}. Check Realtime:Postgres and the user's rights.")]
        public static partial void DatabaseNotReady(ILogger logger, string code, string message, TimeSpan wait);
    }
}
