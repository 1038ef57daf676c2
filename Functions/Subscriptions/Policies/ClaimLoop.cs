using System.Globalization;
using Npgsql;

namespace Serverless.Subscriptions.Policies;

/// <summary>Executes a statement for many claim sets, each by itself, in as few round trips as its time allows: one, unless something is slow.</summary>
/// <remarks>
/// A round trip ends after its limit. A claim set whose statement had four fifths of that to itself has failed; from then on the limit is a fifth, so that one
/// slow policy does not hold up the others for long. After three limits in all, whatever is left has failed too.
/// The connection's user must be a superuser or a member of the role, and owner of the schema <c>serverless_realtime</c> or granted its functions.
/// </remarks>
internal sealed class ClaimLoop(TimeSpan limit, TimeProvider time)
{
    private const int ClaimSetsAtOnce = 2000;

    private const string Limits =
        """
        select set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true), set_config('row_security', 'on', true),
          set_config('jit', 'off', true), set_config('plan_cache_mode', 'auto', true)
        """;

    private const string Ask = "select answer, failure from serverless_realtime.ask_policy($1, $2, $3, $4, $5, $6, $7)";

    /// <param name="connection">Open, and in no transaction; it is in none afterwards, and no setting of it is changed.</param>
    /// <exception cref="PostgresException">PostgreSQL failed as a whole, and not for one claim set.</exception>
    public async Task<ClaimAnswer[]> AskAsync(NpgsqlConnection connection, ClaimStatement statement, ClaimQuestions questions, CancellationToken cancellationToken)
    {
        var answers = new List<ClaimAnswer>(questions.Claims.Length);
        var began = time.GetTimestamp();
        var bound = limit;
        while (answers.Count < questions.Claims.Length)
        {
            if (time.GetElapsedTime(began) > limit * 3)
            {
                answers.AddRange(Enumerable.Repeat(new ClaimAnswer(null, new PolicyFailure(PolicyFailure.TookTooLong)), questions.Claims.Length - answers.Count));
                break;
            }

            await AskOnceAsync(connection, statement, questions, answers, bound, cancellationToken);
            if (answers[^1].Failure?.SqlState == PolicyFailure.TookTooLong)
            {
                bound = limit / 5;
            }
        }

        return [.. answers];
    }

    private static async Task AskOnceAsync(
        NpgsqlConnection connection,
        ClaimStatement statement,
        ClaimQuestions questions,
        List<ClaimAnswer> answers,
        TimeSpan bound,
        CancellationToken cancellationToken)
    {
        var next = answers.Count..Math.Min(answers.Count + ClaimSetsAtOnce, questions.Claims.Length);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("begin"),
                new NpgsqlBatchCommand(Limits) { Parameters = { new() { Value = Milliseconds(bound) }, new() { Value = Milliseconds(bound / 2) } } },
                new NpgsqlBatchCommand(Ask)
                {
                    Parameters =
                    {
                        new() { Value = statement.Name },
                        new() { Value = statement.Sql },
                        new() { Value = statement.Role },
                        new() { Value = questions.Claims[next] },
                        new() { Value = questions.SetOf[next] },
                        new() { Value = questions.Sets },
                        new() { Value = questions.Rows },
                    },
                },

                // Nothing that a policy's functions wrote is kept, nor any setting.
                new NpgsqlBatchCommand("rollback"),
            },
        };
        try
        {
            await ReadAsync(batch, answers, cancellationToken);
        }
        catch when (connection.FullState == System.Data.ConnectionState.Open)
        {
            await using var rollback = new NpgsqlCommand("rollback", connection);
            await rollback.ExecuteNonQueryAsync(CancellationToken.None);
            throw;
        }
    }

    private static async Task ReadAsync(NpgsqlBatch batch, List<ClaimAnswer> answers, CancellationToken cancellationToken)
    {
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var before = answers.Count;
        while (await reader.ReadAsync(cancellationToken))
        {
            answers.Add(new ClaimAnswer(
                await reader.IsDBNullAsync(0, cancellationToken) ? null : reader.GetString(0),
                await reader.IsDBNullAsync(1, cancellationToken) ? null : new PolicyFailure(reader.GetString(1))));
        }

        if (answers.Count == before)
        {
            throw new InvalidOperationException("serverless_realtime.ask_policy answered for no claim set. Check that the migrations are those of this version.");
        }

        await reader.NextResultAsync(cancellationToken);
    }

    private static string Milliseconds(TimeSpan span) => Math.Max(1, (long)span.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
}
