using System.Reflection;
using Npgsql;

namespace Serverless.Database;

/// <summary>Brings our schema up to date: the numbered SQL files of this folder, each once, in a transaction of its own.</summary>
/// <remarks>Several processes may start at once: an advisory lock lets one work while the others wait and then find nothing to do.</remarks>
internal sealed partial class Migrator(NpgsqlDataSource dataSource, ILogger<Migrator> logger)
{
    private const string ResourcePrefix = "migrations/";

    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync(connection, $"select pg_advisory_lock({AdvisoryLocks.Migration}, 0)", cancellationToken);
        try
        {
            var applied = await ReadAppliedAsync(connection, cancellationToken);
            foreach (var name in MigrationNames().Where(name => !applied.Contains(name)))
            {
                await ApplyAsync(connection, name, cancellationToken);
                Log.Applied(logger, name);
            }
        }
        finally
        {
            // If the connection broke, the lock went with it, and the statement's failure must not hide the first one.
            if (connection.FullState == System.Data.ConnectionState.Open)
            {
                await ExecuteAsync(connection, $"select pg_advisory_unlock({AdvisoryLocks.Migration}, 0)", CancellationToken.None);
            }
        }
    }

    private static IEnumerable<string> MigrationNames() =>
        from resource in Assembly.GetExecutingAssembly().GetManifestResourceNames()
        where resource.StartsWith(ResourcePrefix, StringComparison.Ordinal)
        orderby resource
        select resource[ResourcePrefix.Length..];

    private static async Task<HashSet<string>> ReadAppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await ExecuteAsync(
            connection,
            """
            create schema if not exists serverless_realtime;
            create table if not exists serverless_realtime.migration (
              name text primary key,
              applied_at timestamptz not null default now()
            );
            """,
            cancellationToken);
        var applied = new HashSet<string>(StringComparer.Ordinal);
        await using var command = new NpgsqlCommand("select name from serverless_realtime.migration", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            applied.Add(reader.GetString(0));
        }

        return applied;
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
    {
        await using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(ResourcePrefix + name)!;
        using var text = new StreamReader(stream);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, await text.ReadToEndAsync(cancellationToken), cancellationToken);
        await using var record = new NpgsqlCommand("insert into serverless_realtime.migration (name) values ($1)", connection);
        record.Parameters.AddWithValue(name);
        await record.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(8001, LogLevel.Information, "Migration '{Name}' applied.")]
        public static partial void Applied(ILogger logger, string name);
    }
}
