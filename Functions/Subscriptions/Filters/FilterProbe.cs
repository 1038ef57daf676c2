using Npgsql;

namespace Serverless.Subscriptions.Filters;

/// <summary>Tries a condition out before anybody waits for it: does the operator exist, can the regular expression be read, in bounded time?</summary>
internal static class FilterProbe
{
    private static readonly TimeSpan _limit = TimeSpan.FromMilliseconds(500);

    /// <param name="sql">A boolean expression over the column's quoted name.</param>
    /// <returns>What is wrong with it; null where nothing is.</returns>
    public static async Task<string?> TryAsync(NpgsqlConnection connection, ColumnDescription column, string sql, CancellationToken cancellationToken)
    {
        // A function is not called for null, so that texts, whose patterns and collations may be refused, are tried with values.
        var samples = column.Category == 'S' ? "unnest(array['', 'a'])" : "unnest(array[null]::text[])";
        var collation = column.Collation is null ? "" : $" collate {column.Collation}";
        var statement = $"select count(*) filter (where {sql}) from (select sample::{column.SqlType}{collation} as {SqlName.Of(column.Name)} from {samples} as sample) r";
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { StatementLimit.Command(_limit), new NpgsqlBatchCommand(statement) } };
        try
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
            return null;
        }
        catch (PostgresException ex) when (ex.SqlState == PostgresErrorCodes.QueryCanceled)
        {
            return "PostgreSQL needs too long to evaluate it. Simplify the pattern.";
        }
        catch (PostgresException ex) when (ex.SqlState == PostgresErrorCodes.UndefinedFunction)
        {
            return $"type {column.Type} has no such operator in PostgreSQL, or not the one that the condition needs. Filter on a column of another type, or use 'is.null'.";
        }
        catch (PostgresException ex) when (IsAboutTheCondition(ex.SqlState))
        {
            return $"PostgreSQL refuses it: {ex.MessageText}.";
        }
    }

    // Data exceptions (a regular expression that cannot be read), syntax and rules, and features that a collation lacks.
    private static bool IsAboutTheCondition(string sqlState) => sqlState[..2] is "22" or "42" or "0A" or "54";
}
