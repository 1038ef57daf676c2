using System.Globalization;
using Npgsql;
using Serverless.Changes;

namespace Serverless.Subscriptions.Policies;

/// <summary>What one claim set asks to see.</summary>
/// <param name="Claims">A JSON object.</param>
/// <param name="Images">Places in the batch's images, from 0.</param>
internal sealed record PolicyAsk(string Claims, IReadOnlyList<int> Images);

/// <summary>What a claim set may see, in the order in which it asked.</summary>
/// <param name="Visible">Empty where the policy failed: then nothing may be seen.</param>
internal sealed record PolicyVerdict(IReadOnlyList<bool> Visible, PolicyFailure? Failure);

/// <summary>Asks PostgreSQL which row images a table's policies let subscribers see, whatever the policies are.</summary>
/// <remarks>
/// The images take the table's place in the policies' expression, so that each is judged as it was committed, while other tables are read as they are
/// now, under their own policies, as the role. An image that lacks a column that the policies read is not visible.
/// </remarks>
internal sealed class PolicyJudge(TimeSpan limit, TimeProvider time)
{
    private readonly ClaimLoop _loop = new(limit, time);

    /// <param name="connection">Open, and in no transaction.</param>
    public async Task<IReadOnlyList<PolicyVerdict>> JudgeAsync(
        NpgsqlConnection connection, TablePolicy policy, IReadOnlyList<RowImage> images, IReadOnlyList<PolicyAsk> asks, CancellationToken cancellationToken)
    {
        if (policy.Kind != PolicyKind.Judged || asks.Count == 0)
        {
            return [.. asks.Select(ask => new PolicyVerdict([.. ask.Images.Select(_ => policy.Kind == PolicyKind.Open)], null))];
        }

        var rows = new PolicyImages(policy, images);
        var questions = ToQuestions(rows, asks);
        var answers = await _loop.AskAsync(connection, ClaimStatement.Create(Statement(policy), policy.Role), questions, cancellationToken);
        return [.. answers.Select((answer, i) => answer.Failure is null
            ? new PolicyVerdict(rows.Read(answer.Text ?? "", asks[i].Images), null)
            : new PolicyVerdict([], answer.Failure))];
    }

    private static ClaimQuestions ToQuestions(PolicyImages rows, IReadOnlyList<PolicyAsk> asks)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        var setOf = new int[asks.Count];
        for (var i = 0; i < asks.Count; i++)
        {
            var set = "{" + string.Join(',', rows.PlacesOf(asks[i].Images).Select(place => place.ToString(CultureInfo.InvariantCulture))) + "}";
            setOf[i] = places.TryGetValue(set, out var known) ? known : places[set] = places.Count + 1;
        }

        return new ClaimQuestions(rows.Rows, [.. places.Keys], [.. asks.Select(ask => ask.Claims)], setOf);
    }

    // Under the table's own name, so that its columns, with or without that name before them, and the row as a whole mean the image. One function in FROM
    // gives its rows in order.
    private static string Statement(TablePolicy policy) =>
        $"""
        select string_agg(case when {policy.Sql} then 't' else 'f' end, '')
        from jsonb_populate_recordset({EmptyRow(policy)}, current_setting('serverless_realtime.images')::jsonb) as {SqlName.Of(policy.Name)}
        """;

    private static string EmptyRow(TablePolicy policy)
    {
        var table = SqlName.Of(policy.Schema, policy.Name);
        return policy.JsonColumns.Count == 0
            ? $"null::{table}"
            : $"row({string.Join(", ", policy.AllColumns.Select(column => policy.JsonColumns.Contains(column.Name) ? "'null'" : "null"))})::{table}";
    }
}
