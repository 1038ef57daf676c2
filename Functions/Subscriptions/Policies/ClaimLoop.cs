using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Serverless.Subscriptions.Policies;

/// <summary>Executes a statement for many claim sets, each by itself, in as few round trips as its time allows: one, unless something is slow.</summary>
/// <remarks>
/// Every claim set is asked, however slow others are. A round trip ends after its limit. The first claim set whose statement had four fifths of that to itself has failed; from then
/// on the limit is a fifth, and after three more so short that a claim set that does not end in it has proved nothing: it is put off and asked again when all have been. Those
/// that are put off, those that met a lock or a conflict, and those that failed like this before share three limits in all; what is left then has
/// failed, and is not asked at all for a while.
/// The connection's user must be a superuser or a member of the role, and owner of the schema <c>serverless_realtime</c> or granted its functions.
/// </remarks>
internal sealed class ClaimLoop(TimeSpan limit, TimeProvider time)
{
    private const int ClaimSetsAtOnce = 2000;
    private const int SlowBeforeHaste = 4;
    private const int MostTries = 3;

    private const string Limits =
        """
        select set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true), set_config('row_security', 'on', true),
          set_config('jit', 'off', true), set_config('plan_cache_mode', 'auto', true)
        """;

    private const string Ask = "select answer, failure from serverless_realtime.ask_policy($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    private static readonly TimeSpan _shortest = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(20);

    private readonly KnownFailures _known = new(time);

    /// <param name="connection">Open, and in no transaction; it is in none afterwards, and no setting of it is changed.</param>
    /// <exception cref="PostgresException">PostgreSQL failed as a whole, and not for one claim set.</exception>
    public async Task<ClaimAnswer[]> AskAsync(NpgsqlConnection connection, ClaimStatement statement, ClaimQuestions questions, CancellationToken cancellationToken)
    {
        var answers = new ClaimAnswer[questions.Claims.Length];
        var first = new List<int>(answers.Length);
        var later = new List<int>();
        for (var i = 0; i < answers.Length; i++)
        {
            if (!_known.Has(statement.Name, questions.Claims[i], out var failure))
            {
                first.Add(i);
            }
            else if (failure is null)
            {
                later.Add(i);
            }
            else
            {
                answers[i] = new ClaimAnswer(null, failure);
            }
        }

        later.InsertRange(0, await AskAllAsync(connection, statement, questions, first, answers, cancellationToken));
        await AskAgainAsync(connection, statement, questions, later, answers, cancellationToken);
        return answers;
    }

    /// <returns>Those that are put off.</returns>
    private async Task<List<int>> AskAllAsync(
        NpgsqlConnection connection, ClaimStatement statement, ClaimQuestions questions, List<int> places, ClaimAnswer[] answers, CancellationToken cancellationToken)
    {
        var putOff = new List<int>();
        var slow = 0;
        for (var next = 0; next < places.Count;)
        {
            var bound = slow == 0 ? limit : slow < SlowBeforeHaste ? limit / 5 : Max(limit / 50, _shortest);
            var asked = places.GetRange(next, Math.Min(ClaimSetsAtOnce, places.Count - next));
            var answered = await AskOnceAsync(connection, statement, questions, asked, answers, bound, cancellationToken);
            foreach (var place in asked.Take(answered))
            {
                var failure = answers[place].Failure;
                slow += failure?.SqlState is PolicyFailure.TookTooLong or PolicyFailure.LockNotAvailable ? 1 : 0;
                if (failure is { IsTransient: true } || (failure?.SqlState == PolicyFailure.TookTooLong && bound < limit / 5))
                {
                    putOff.Add(place);
                }
                else if (failure?.SqlState == PolicyFailure.TookTooLong)
                {
                    _known.Add(statement.Name, questions.Claims[place], failure);
                }
            }

            next += answered;
        }

        return putOff;
    }

    private async Task AskAgainAsync(
        NpgsqlConnection connection, ClaimStatement statement, ClaimQuestions questions, List<int> places, ClaimAnswer[] answers, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var pause = _firstPause;
        for (var attempt = 1; places.Count > 0; attempt++)
        {
            var again = new List<int>();
            for (var next = 0; next < places.Count;)
            {
                var answered = 1;
                if (time.GetElapsedTime(began) > limit * 3)
                {
                    var failure = answers[places[next]].Failure ?? new PolicyFailure(PolicyFailure.TookTooLong);
                    answers[places[next]] = new ClaimAnswer(null, failure);
                    _known.Add(statement.Name, questions.Claims[places[next]], failure);
                }
                else
                {
                    var asked = places.GetRange(next, Math.Min(ClaimSetsAtOnce, places.Count - next));
                    answered = await AskOnceAsync(connection, statement, questions, asked, answers, limit / 5, cancellationToken);
                    again.AddRange(asked.Take(answered).Where(place => !IsSettled(statement, questions.Claims[place], answers[place].Failure, attempt)));
                }

                next += answered;
            }

            places = again;
            if (places.Count > 0)
            {
                await Task.Delay(pause, time, cancellationToken);
                pause *= 2;
            }
        }
    }

    private bool IsSettled(ClaimStatement statement, string claims, PolicyFailure? failure, int attempt)
    {
        if (failure is { IsTransient: true } && attempt < MostTries)
        {
            return false;
        }

        if (failure is { IsTransient: true } or { SqlState: PolicyFailure.TookTooLong })
        {
            _known.Add(statement.Name, claims, failure);
        }
        else
        {
            _known.Remove(statement.Name, claims);
        }

        return true;
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    /// <returns>How many of the places have been answered, from the first on.</returns>
    private static async Task<int> AskOnceAsync(
        NpgsqlConnection connection,
        ClaimStatement statement,
        ClaimQuestions questions,
        List<int> places,
        ClaimAnswer[] answers,
        TimeSpan bound,
        CancellationToken cancellationToken)
    {
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
                        new() { Value = places.ConvertAll(place => questions.Claims[place]) },
                        new() { Value = places.ConvertAll(place => questions.SetOf[place]) },
                        new() { Value = questions.Sets },
                        new() { Value = questions.Rows },
                        new() { Value = statement.Table, NpgsqlDbType = NpgsqlDbType.Oid },
                        new() { Value = statement.ClaimFunctions },
                    },
                },

                // Nothing that a policy's functions wrote is kept, nor any setting.
                new NpgsqlBatchCommand("rollback"),
            },
        };
        try
        {
            return await ReadAsync(batch, places, answers, cancellationToken);
        }
        catch when (connection.FullState == System.Data.ConnectionState.Open)
        {
            await using var rollback = new NpgsqlCommand("rollback", connection);
            await rollback.ExecuteNonQueryAsync(CancellationToken.None);
            throw;
        }
    }

    private static async Task<int> ReadAsync(NpgsqlBatch batch, List<int> places, ClaimAnswer[] answers, CancellationToken cancellationToken)
    {
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var answered = 0;
        while (await reader.ReadAsync(cancellationToken))
        {
            answers[places[answered++]] = new ClaimAnswer(
                await reader.IsDBNullAsync(0, cancellationToken) ? null : reader.GetString(0),
                await reader.IsDBNullAsync(1, cancellationToken) ? null : new PolicyFailure(reader.GetString(1)));
        }

        if (answered == 0)
        {
            throw new InvalidOperationException("serverless_realtime.ask_policy answered for no claim set. Check that the migrations are those of this version.");
        }

        await reader.NextResultAsync(cancellationToken);
        return answered;
    }

    private static string Milliseconds(TimeSpan span) => Math.Max(1, (long)span.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
}
