using Npgsql;
using Serverless.Changes;

namespace Serverless.ChangeLog;

/// <summary>A place in one epoch's history: every change after it has still to reach the client.</summary>
internal sealed record LogCursor(string Epoch, ChangePosition Position)
{
    /// <summary>The place behind everything that was committed before <paramref name="lsn"/>.</summary>
    public static LogCursor Before(string epoch, Lsn lsn) => new(epoch, new ChangePosition(new Lsn(lsn.Value - 1), int.MaxValue));

    /// <summary>The present end: what is committed after this call is after it.</summary>
    /// <returns>Null where nothing was ever captured.</returns>
    public static async Task<LogCursor?> ReadEndAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("select epoch, before_lsn from serverless_realtime.capture_cursor()");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.IsDBNull(0) ? null : Before(reader.GetString(0), new Lsn((ulong)reader.GetFieldValue<NpgsqlTypes.NpgsqlLogSequenceNumber>(1)));
    }
}
