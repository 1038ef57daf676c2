using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>An expression to be decided by PostgreSQL for some images of one table.</summary>
/// <param name="Sql">A boolean expression over quoted column names.</param>
/// <param name="Columns">The columns it reads: at least one.</param>
internal sealed record FilterQuestion(string Sql, IReadOnlyCollection<string> Columns, IReadOnlyList<RowImage> Images)
{
    public static FilterQuestion About(FilterNode filter, IReadOnlyList<RowImage> images) => new(filter.ToSql(), filter.Columns, images);
}

/// <param name="Verdicts">
/// For each image, whether the expression is true of it: SQL's null counts as false. Null where there is no answer, because PostgreSQL raised an error or
/// the image lacks a column that the expression reads; treat it as false.
/// </param>
/// <param name="SqlState">The first error that PostgreSQL raised, null where it raised none. Its message may hold values of the row and is left behind.</param>
internal sealed record FilterAnswer(IReadOnlyList<bool?> Verdicts, string? SqlState)
{
    /// <summary>Whether the expression used up its time. It will again: leave it out of further batches.</summary>
    public bool TookTooLong => SqlState == Npgsql.PostgresErrorCodes.QueryCanceled;
}
