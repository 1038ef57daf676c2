using System.Diagnostics;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>Asks PostgreSQL what memory cannot decide: many expressions over many images in one round trip.</summary>
/// <remarks>
/// Expressions are kept apart by the database function, each in a subtransaction, so that one that raises an error fails for its image alone. A
/// statement that runs out of time is beyond that; who is asked about again, and for how long, is for <see cref="FilterTurns"/> to say.
/// </remarks>
internal static class FilterQuestions
{
    public static TimeSpan DefaultLimit { get; } = TimeSpan.FromSeconds(1);

    /// <param name="connection">Not in a transaction: a statement that runs out of time would abort it.</param>
    /// <param name="relation">The table of all the images. Values are read by its columns' types and collations as they are now.</param>
    /// <param name="limit">How long one statement may take. All together take no longer than that and <see cref="FilterWatch.Burst"/>, but for 10 microseconds for each question and image.</param>
    /// <returns>One answer for each question, in order.</returns>
    public static async Task<IReadOnlyList<FilterAnswer>> AskAsync(
        NpgsqlConnection connection, Relation relation, IReadOnlyList<FilterQuestion> questions, TimeSpan limit, CancellationToken cancellationToken)
    {
        var turns = new FilterTurns(questions, limit);
        while (turns.Next() is { } turn)
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                var answers = await AskAllAsync(connection, relation.Oid, [.. turn.Places.Select(place => questions[place])], turn.Limit, cancellationToken);
                turns.Answer(turn, answers, Stopwatch.GetElapsedTime(began));
            }
            catch (PostgresException ex) when (ex.SqlState == PostgresErrorCodes.QueryCanceled)
            {
                turns.TookTooLong(turn, Stopwatch.GetElapsedTime(began));
            }
        }

        return turns.Answers;
    }

    private static async Task<FilterAnswer[]> AskAllAsync(
        NpgsqlConnection connection, uint table, List<FilterQuestion> questions, TimeSpan limit, CancellationToken cancellationToken)
    {
        var asked = new AskedImages(questions);
        var columns = questions.ConvertAll(question => ColumnsOf(question.Columns));

        // Neighbours that read the same columns of the same images share a statement.
        var order = Enumerable.Range(0, questions.Count).OrderBy(i => columns[i], StringComparer.Ordinal).ThenBy(i => asked.Lists[i], StringComparer.Ordinal).ToArray();
        var command = new NpgsqlBatchCommand("select question, verdicts, failure from serverless_realtime.ask_filters($1, $2, $3, $4, $5)")
        {
            Parameters =
            {
                new() { Value = table, NpgsqlDbType = NpgsqlDbType.Oid },
                new() { Value = Array.ConvertAll(order, i => questions[i].Sql) },
                new() { Value = Array.ConvertAll(order, i => columns[i]) },
                new() { Value = asked.Images },
                new() { Value = Array.ConvertAll(order, i => asked.Lists[i]) },
            },
        };
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { StatementLimit.Command(limit), command } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var answers = new FilterAnswer[questions.Count];
        while (await reader.ReadAsync(cancellationToken))
        {
            var question = order[reader.GetInt32(0)];
            var verdicts = await reader.GetFieldValueAsync<bool?[]>(1, cancellationToken);
            answers[question] = new FilterAnswer(asked.Spread(question, verdicts), await reader.IsDBNullAsync(2, cancellationToken) ? null : reader.GetString(2));
        }

        return answers;
    }

    // A JSON array of the names, the same for the same columns.
    private static string ColumnsOf(IReadOnlyCollection<string> columns) =>
        $"[{string.Join(',', columns.Order(StringComparer.Ordinal).Select(column => Encoding.UTF8.GetString(JsonText.Encode(column))))}]";
}
