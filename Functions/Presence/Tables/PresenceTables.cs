using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Database;

namespace Serverless.Presence.Tables;

/// <summary>The tables that heartbeats keep.</summary>
/// <remarks>
/// They are looked at when the database is ready, and those that do not fit once a minute after that: an app's own migrations may come later than we. What happens to such a table costs no caller anything.
/// </remarks>
internal sealed partial class PresenceTables(
    [FromKeyedServices(DatabaseServices.ForPresence)] NpgsqlDataSource dataSource, IOptions<PresenceOptions> options, ILogger<PresenceTables> logger)
{
    // A row may be locked by somebody's transaction, and a heartbeat is not worth waiting long.
    private const int LimitSeconds = 5;

    private readonly Lock _lock = new();
    private readonly HashSet<TableName> _troubled = [];
    private readonly IReadOnlyList<TableName> _names = TableName.TryParse(options.Value.Tables, out var names) ? names : [];
    private volatile List<PresenceTable> _tables = [];

    /// <summary>What a row's status may be.</summary>
    public static IReadOnlyList<string> Statuses { get; } = ["online", "away", "offline"];

    public bool AreConfigured => _names.Count > 0;

    public bool AreComplete => _tables.Count == _names.Count;

    /// <summary>Looks at the tables that were not found fit so far.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var tables = new List<PresenceTable>();
        foreach (var name in _names)
        {
            var table = _tables.FirstOrDefault(known => known.Name == name);
            var problem = default(string);
            if (table is null)
            {
                (table, problem) = await PresenceTableReader.ReadAsync(connection, name, cancellationToken);
            }

            if (table is not null)
            {
                tables.Add(table);
            }
            else if (IsNew(name))
            {
                Log.PresenceTableUnfit(logger, problem!);
            }
        }

        _tables = tables;
    }

    /// <summary>Notes in each table that a user has been heard of.</summary>
    /// <param name="status">What he says that he is; null leaves it, but for one who was offline and now is online.</param>
    public async Task HeartbeatAsync(string subject, string? status, CancellationToken cancellationToken)
    {
        foreach (var table in _tables)
        {
            await TryAsync(table, table.Heartbeat, cancellationToken, subject, (object?)status ?? DBNull.Value);
        }
    }

    /// <summary>Takes those for offline who have been silent for so long.</summary>
    public async Task MarkSilentAsync(TimeSpan silent, CancellationToken cancellationToken)
    {
        foreach (var table in _tables)
        {
            await TryAsync(table, table.MarkSilent, cancellationToken, silent);
        }
    }

    /// <summary>Ends typing that was not renewed.</summary>
    public async Task EndTypingAsync(CancellationToken cancellationToken)
    {
        foreach (var table in _tables.Where(table => table.EndTyping is not null))
        {
            await TryAsync(table, table.EndTyping!, cancellationToken);
        }
    }

    private async Task TryAsync(PresenceTable table, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        try
        {
            await using var command = dataSource.CreateCommand(sql);
            command.CommandTimeout = LimitSeconds;
            foreach (var value in parameters)
            {
                command.Parameters.Add(value is string or DBNull
                    ? new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text }
                    : new NpgsqlParameter { Value = value });
            }

            await command.ExecuteNonQueryAsync(cancellationToken);
            lock (_lock)
            {
                _troubled.Remove(table.Name);
            }
        }
        catch (PostgresException ex) when (ex.SqlState == PostgresErrorCodes.InvalidTextRepresentation && sql == table.Heartbeat)
        {
            // A subject that is no value of the column's type has no row.
        }
        catch (NpgsqlException ex)
        {
            if (IsNew(table.Name))
            {
                Log.PresenceTableFailed(logger, ex, table.Name.ToString());
            }
        }
    }

    // Said once, not at every heartbeat.
    private bool IsNew(TableName troubled)
    {
        lock (_lock)
        {
            return _troubled.Add(troubled);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(7101, LogLevel.Warning, "Presence:Tables: {Problem}. It is looked at again every minute; the others are kept.")]
        public static partial void PresenceTableUnfit(ILogger logger, string problem);

        [LoggerMessage(7102, LogLevel.Warning, "A table of Presence:Tables, '{Table}', could not be updated. It is tried again, and this is said again only after it has worked.")]
        public static partial void PresenceTableFailed(ILogger logger, Exception exception, string table);
    }
}
