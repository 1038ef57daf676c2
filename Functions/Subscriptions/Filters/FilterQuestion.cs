using System.Globalization;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>An expression to be decided by PostgreSQL for some images of one table.</summary>
/// <param name="Sql">A boolean expression over quoted column names.</param>
/// <param name="Columns">The columns it reads: at least one.</param>
internal sealed record FilterQuestion(string Sql, IReadOnlyCollection<string> Columns, IReadOnlyList<RowImage> Images)
{
    /// <summary>How it fared before; null where that is nobody's concern.</summary>
    public FilterRecord? Record { get; init; }

    public static FilterQuestion About(FilterNode filter, IReadOnlyList<RowImage> images) => new(filter.ToSql(), filter.Columns, images);
}

/// <param name="Verdicts">
/// For each image, whether the expression is true of it: SQL's null counts as false. Null where there is no answer, because PostgreSQL raised an error or
/// the image lacks a column that the expression reads or has another value in it than its JSON gives, or it was not asked; treat it as false.
/// </param>
/// <param name="SqlState">The first error that PostgreSQL raised, null where it raised none. Its message may hold values of the row and is left behind.</param>
internal sealed record FilterAnswer(IReadOnlyList<bool?> Verdicts, string? SqlState)
{
    /// <summary>Whether there was no time for it: it used up its own, rests because it did so before, or others used up all there was.</summary>
    public bool TookTooLong => SqlState == Npgsql.PostgresErrorCodes.QueryCanceled;

    /// <summary>How long it will not be asked about because it took too long by itself; null where it will be.</summary>
    public TimeSpan? Rest { get; init; }

    /// <summary>For a filter that is not asked about, because it took too long before.</summary>
    public static FilterAnswer Resting(TimeSpan rest) => new([], Npgsql.PostgresErrorCodes.QueryCanceled) { Rest = rest };

    /// <summary>Why there is no answer, to follow "The filter ".</summary>
    public string Reason => (TookTooLong, Rest) switch
    {
        (true, { } rest) => string.Create(
            CultureInfo.InvariantCulture,
            $"took longer than is allowed, most often a pattern that backtracks, and is left alone for {Math.Ceiling(rest.TotalSeconds)} seconds. Write it so that it fits in one way only."),
        (true, null) => "could not be evaluated in time, because other filters on the table took too long.",
        _ => $"could not be evaluated (SQLSTATE {SqlState}).",
    };
}
