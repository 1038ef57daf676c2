using Npgsql;
using NpgsqlTypes;
using Serverless.Changes;

namespace Serverless.ChangeLog;

/// <summary>Reads the log table by table.</summary>
internal sealed class LogReader(NpgsqlDataSource dataSource)
{
    // Rows are what one batch held of one table: many small ones, or few large ones. The sizes are known without reading the bodies.
    private const string Next =
        """
        select last_lsn, last_index, body, is_last from (
          select last_lsn, last_index, body, row_number() over log = count(*) over () and count(*) over () < 256 as is_last,
            sum(octet_length(body)) over log - octet_length(body) as before
          from (
            select last_lsn, last_index, body from serverless_realtime.change_log
            where epoch = $1 and schema_name = $2 and table_name = $3 and (last_lsn, last_index) > ($4, $5)
            order by last_lsn, last_index limit 256) next
          window log as (order by last_lsn, last_index)) numbered
        where before < 1048576 order by last_lsn, last_index
        """;

    private const string WasTrimmed =
        "select exists (select from serverless_realtime.log_trim where epoch = $1 and schema_name = $2 and table_name = $3 and (last_lsn, last_index) > ($4, $5))";

    /// <summary>What the log holds of the tables that a subscription is about.</summary>
    /// <param name="schema">Null for all.</param>
    /// <param name="table">Null for all of the schema.</param>
    public async Task<LogExtent> ReadExtentAsync(string epoch, string? schema, string? table, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select serverless_realtime.log_complete_from()"));
        batch.BatchCommands.Add(About(
            "select distinct schema_name, table_name from serverless_realtime.change_log where epoch = $1 and ($2::text is null or schema_name = $2) and ($3::text is null or table_name = $3)",
            epoch, schema, table));

        // Last: what was taken out before the tables were read is recorded by then. The other way round, a table that is emptied in between would look like one without changes.
        batch.BatchCommands.Add(About(
            "select schema_name, table_name, last_lsn, last_index from serverless_realtime.log_trim where epoch = $1 and ($2::text is null or schema_name = $2) and ($3::text is null or table_name = $3)",
            epoch, schema, table));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var completeFrom = LsnAt(reader, 0);
        await reader.NextResultAsync(cancellationToken);
        var tables = new List<(string, string)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            tables.Add((reader.GetString(0), reader.GetString(1)));
        }

        await reader.NextResultAsync(cancellationToken);
        var trimmed = new Dictionary<(string, string), ChangePosition>();
        while (await reader.ReadAsync(cancellationToken))
        {
            trimmed.Add((reader.GetString(0), reader.GetString(1)), PositionAt(reader, 2));
        }

        return new LogExtent(completeFrom, trimmed, tables);
    }

    /// <summary>The next changes of a table after a position, in order.</summary>
    /// <returns>Null where the log was trimmed beyond that position meanwhile.</returns>
    public async Task<LoggedChanges?> ReadAsync(string epoch, string schema, string table, ChangePosition after, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(After(Next, epoch, schema, table, after));

        // Second: what was taken out before it is read is recorded by then.
        batch.BatchCommands.Add(After(WasTrimmed, epoch, schema, table, after));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return await ReadNextAsync(reader, after, cancellationToken);
    }

    /// <summary>The next changes of a table after a place, and what tells whether they are all that followed it, in one round trip.</summary>
    public async Task<LogTail> ReadTailAsync(string schema, string table, LogCursor after, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);

        // The end first, so that whoever goes on from there because of a gap passes over nothing that is committed later; and how far back the log goes last.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select epoch, before_lsn from serverless_realtime.capture_cursor()"));
        batch.BatchCommands.Add(After(Next, after.Epoch, schema, table, after.Position));
        batch.BatchCommands.Add(After(WasTrimmed, after.Epoch, schema, table, after.Position));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select serverless_realtime.log_complete_from()"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var end = reader.IsDBNull(0) ? null : LogCursor.Before(reader.GetString(0), LsnAt(reader, 1));
        await reader.NextResultAsync(cancellationToken);
        var logged = await ReadNextAsync(reader, after.Position, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new LogTail(end, logged, LsnAt(reader, 0));
    }

    /// <summary>Reads the results of <see cref="Next"/> and <see cref="WasTrimmed"/>.</summary>
    private static async Task<LoggedChanges?> ReadNextAsync(NpgsqlDataReader reader, ChangePosition after, CancellationToken cancellationToken)
    {
        var changes = new List<RowChange>();
        var (isEnd, last) = (true, after);
        while (await reader.ReadAsync(cancellationToken))
        {
            // Where the number of partitions has changed, the log may hold a change twice.
            var known = last;
            changes.AddRange(ChangeBatchJson.Read(reader.GetFieldValue<byte[]>(2)).Changes.Where(change => change.Position > known));
            (last, isEnd) = (PositionAt(reader, 0), reader.GetBoolean(3));
        }

        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.GetBoolean(0) ? null : new LoggedChanges(changes, last, isEnd);
    }

    private static Lsn LsnAt(NpgsqlDataReader reader, int column) => new((ulong)reader.GetFieldValue<NpgsqlLogSequenceNumber>(column));

    private static ChangePosition PositionAt(NpgsqlDataReader reader, int column) =>
        new(LsnAt(reader, column), reader.GetInt32(column + 1));

    private static NpgsqlBatchCommand About(string query, string epoch, string? schema, string? table) => new(query)
    {
        Parameters =
        {
            new() { Value = epoch },
            new() { Value = schema ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            new() { Value = table ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
        },
    };

    private static NpgsqlBatchCommand After(string query, string epoch, string schema, string table, ChangePosition after) => new(query)
    {
        Parameters =
        {
            new() { Value = epoch },
            new() { Value = schema },
            new() { Value = table },
            new() { Value = new NpgsqlLogSequenceNumber(after.Commit.Value), NpgsqlDbType = NpgsqlDbType.PgLsn },
            new() { Value = after.Index },
        },
    };
}

/// <param name="CompleteFrom">Whatever was committed at or after it is in the log, or was trimmed.</param>
/// <param name="Trimmed">Up to where each table's changes were taken out.</param>
/// <param name="Tables">The tables of which there are changes.</param>
internal sealed record LogExtent(
    Lsn CompleteFrom, IReadOnlyDictionary<(string Schema, string Table), ChangePosition> Trimmed, IReadOnlyList<(string Schema, string Table)> Tables)
{
    /// <summary>Whether the log was emptied by a crash since.</summary>
    public bool ReachesBackTo(ChangePosition position) => position.Commit.Value + 1 >= CompleteFrom.Value;

    /// <summary>Whether the log has all changes of the table after the position.</summary>
    public bool Follows((string Schema, string Table) table, ChangePosition position) =>
        ReachesBackTo(position) && !(Trimmed.TryGetValue(table, out var trimmed) && trimmed > position);
}

/// <param name="Last">How far the table has been read.</param>
/// <param name="IsEnd">Whether the log held no more.</param>
internal sealed record LoggedChanges(IReadOnlyList<RowChange> Changes, ChangePosition Last, bool IsEnd);
