using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Serverless.Topics;

/// <summary>Asks PostgreSQL what the policies on <c>realtime.messages</c> let a caller do on a private topic.</summary>
/// <remarks>
/// As Supabase does, rows are tried out and undone: what is answered is what PostgreSQL itself decides. Answers about sending are kept for
/// <see cref="TopicOptions.AuthorizationTime"/>, since every message asks; whoever joins or brings a new token is asked about anew.
/// </remarks>
internal sealed class TopicAuthorization(NpgsqlDataSource dataSource, IOptions<TopicOptions> options, TimeProvider time)
{
    private const int MostKept = 20_000;

    private readonly ConcurrentDictionary<(string Role, string ClaimsKey, string Topic), (TopicRights Rights, long At)> _toSend = new();

    /// <summary>What the caller may hear.</summary>
    public async Task<TopicRights> ToHearAsync(TopicQuestion question, CancellationToken cancellationToken) =>
        (await AskAsync([question], toSend: false, cancellationToken))[0];

    /// <summary>What each of the callers may hear.</summary>
    public Task<IReadOnlyList<TopicRights>> ToHearAsync(IReadOnlyList<TopicQuestion> questions, CancellationToken cancellationToken) =>
        AskAsync(questions, toSend: false, cancellationToken);

    /// <summary>What the caller may send, as it was found out lately or is now.</summary>
    public async Task<TopicRights> ToSendAsync(TopicQuestion question, CancellationToken cancellationToken)
    {
        var key = KeyOf(question);
        if (_toSend.TryGetValue(key, out var known) && time.GetElapsedTime(known.At) < options.Value.AuthorizationTime)
        {
            return known.Rights;
        }

        var asked = time.GetTimestamp();
        var rights = (await AskAsync([question], toSend: true, cancellationToken))[0];
        if (_toSend.Count >= MostKept)
        {
            _toSend.Clear();
        }

        _toSend[key] = (rights, asked);
        return rights;
    }

    /// <summary>Forgets what is known of the caller's right to send, so that it is asked about anew.</summary>
    public void Forget(TopicQuestion question) => _toSend.TryRemove(KeyOf(question), out _);

    // Policies that never end would otherwise keep everybody's rights from being judged. Whoever's cannot be judged has none.
    private async Task<IReadOnlyList<TopicRights>> AskAsync(IReadOnlyList<TopicQuestion> questions, bool toSend, CancellationToken cancellationToken)
    {
        try
        {
            return await AskTogetherAsync(questions, toSend, cancellationToken);
        }
        catch (PostgresException ex) when (ex.SqlState == PostgresErrorCodes.QueryCanceled)
        {
            if (questions.Count == 1)
            {
                return [new TopicRights(Broadcast: false, Presence: false, ex.SqlState)];
            }
        }

        var half = questions.Count / 2;
        return
        [
            .. await AskAsync([.. questions.Take(half)], toSend, cancellationToken),
            .. await AskAsync([.. questions.Skip(half)], toSend, cancellationToken),
        ];
    }

    private async Task<IReadOnlyList<TopicRights>> AskTogetherAsync(IReadOnlyList<TopicQuestion> questions, bool toSend, CancellationToken cancellationToken)
    {
        await using var batch = dataSource.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select set_config('statement_timeout', $1, true)")
        {
            Parameters = { new() { Value = ((long)options.Value.PolicyLimit.TotalMilliseconds).ToString(CultureInfo.InvariantCulture) } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select broadcast, presence, failure from serverless_realtime.judge_topics($1, $2, $3, $4)")
        {
            Parameters =
            {
                new() { Value = questions.Select(question => question.Role).ToArray() },
                new() { Value = questions.Select(question => question.Claims).ToArray() },
                new() { Value = questions.Select(question => question.Topic).ToArray() },
                new() { Value = toSend },
            },
        });
        var rights = new List<TopicRights>(questions.Count);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rights.Add(new TopicRights(reader.GetBoolean(0), reader.GetBoolean(1), reader.IsDBNull(2) ? null : reader.GetString(2)));
        }

        return rights;
    }

    private static (string Role, string ClaimsKey, string Topic) KeyOf(TopicQuestion question) => (question.Role, question.ClaimsKey, question.Topic);
}
