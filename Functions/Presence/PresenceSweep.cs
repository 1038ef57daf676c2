using Microsoft.Extensions.Options;
using Npgsql;

namespace Serverless.Presence;

/// <summary>Makes presence right where nobody calls: takes the silent away, tells what was not told, forgets topics that nobody needs.</summary>
internal sealed class PresenceSweep(SweepTurn sweeps, PresenceTurns turns, PresenceSender sender, IOptions<PresenceOptions> options)
{
    private const int TopicsAtOnce = 8;
    private const int MostTopics = 1000;

    /// <summary>Longer than a diff that is under way takes; its holder has the topic meanwhile, so this only saves looking.</summary>
    private static readonly TimeSpan _untoldAge = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan _emptyAge = TimeSpan.FromMinutes(10);

    // PostgreSQL empties unlogged tables after a crash, and who was present is unknown: whoever listens is told what there is now. The groups are named as TopicGroups names them.
    private const string BeginAnewWhereEmptied =
        """
        with mark as (insert into serverless_realtime.presence_mark values (true) on conflict do nothing returning is_set),
        heard as (
          select distinct c.topic, c.private from serverless_realtime.channel c cross join mark
          where c.left_at is null
            and case when c.private then 'pp' else 'p' end || encode(sha256(convert_to(c.topic, 'UTF8')), 'hex') = any (c.groups))
        insert into serverless_realtime.presence_topic (topic, private, version, told, untold_since)
        select topic, private, serverless_realtime.presence_clock(), 0, '-infinity' from heard
        on conflict (topic, private) do update set told = 0, untold_since = '-infinity'
        """;

    private const string TopicsOfTheSilent =
        """
        select distinct p.topic, p.private
        from serverless_realtime.presence p
        join serverless_realtime.presence_session s on s.session_id = p.session_id
        left join serverless_realtime.channel c on c.session_id = p.session_id and c.topic = p.topic and c.private = p.private and c.left_at is null
        where s.seen_at < clock_timestamp() - $1 or c.session_id is null
        limit $2
        """;

    private const string UntoldTopics =
        "select topic, private from serverless_realtime.presence_topic where untold_since < clock_timestamp() - $1 order by untold_since limit $2";

    private const string ForgetTopics =
        """
        delete from serverless_realtime.presence_topic t
        where t.changed_at < clock_timestamp() - $1
          and not exists (select from serverless_realtime.presence p where p.topic = t.topic and p.private = t.private)
          and not exists (select from serverless_realtime.channel c where c.topic = t.topic and c.private = t.private and c.left_at is null)
        """;

    private const string ForgetSessions =
        """
        delete from serverless_realtime.presence_session where session_id in (
          select s.session_id from serverless_realtime.presence_session s
          where s.seen_at < clock_timestamp() - $1
            and not exists (select from serverless_realtime.presence p where p.session_id = s.session_id)
          for update skip locked)
        """;

    /// <summary>Sweeps, unless another instance does.</summary>
    public Task SweepAsync(CancellationToken cancellationToken) => sweeps.RunAsync(
        0,
        async connection =>
        {
            await ExecuteAsync(connection, BeginAnewWhereEmptied, age: null, cancellationToken);
            await ForEachAsync(await TopicsAsync(connection, TopicsOfTheSilent, options.Value.Timeout, cancellationToken), DropAsync, cancellationToken);
            await TellAsync(await TopicsAsync(connection, UntoldTopics, _untoldAge, cancellationToken), cancellationToken);
            await ExecuteAsync(connection, ForgetTopics, _emptyAge, cancellationToken);
            await ExecuteAsync(connection, ForgetSessions, options.Value.Timeout, cancellationToken);
        },
        cancellationToken);

    private async Task DropAsync(PresenceTopic topic, CancellationToken cancellationToken)
    {
        TopicChange? change;
        do
        {
            await using var turn = await turns.TakeAsync(topic, cancellationToken);
            change = await turn.DropAsync(options.Value.Timeout, PresenceQueue.MostChanges, cancellationToken);
            if (change is not null && await sender.TrySendAsync(topic, change))
            {
                await turn.EndToldAsync(change.Previous, change.Version, cancellationToken);
            }
        }
        while (change?.Members.Count == PresenceQueue.MostChanges);
    }

    // Where the service does not take one, it hardly takes the others: they are left to the next sweep.
    private async Task TellAsync(IReadOnlyList<PresenceTopic> topics, CancellationToken cancellationToken)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await ForEachAsync(
                topics,
                async (topic, token) =>
                {
                    if (!await TellAsync(topic, token))
                    {
                        await failed.CancelAsync();
                    }
                },
                failed.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
        }
    }

    private async Task<bool> TellAsync(PresenceTopic topic, CancellationToken cancellationToken)
    {
        await using var turn = await turns.TakeAsync(topic, cancellationToken);
        if (await turn.ReadUntoldAsync(cancellationToken) is not { } snapshot)
        {
            return true;
        }

        if (!await sender.TrySendAsync(topic, snapshot))
        {
            return false;
        }

        await turn.EndToldAsync(snapshot.Version, cancellationToken);
        return true;
    }

    private static Task ForEachAsync(IReadOnlyList<PresenceTopic> topics, Func<PresenceTopic, CancellationToken, Task> call, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            topics,
            new ParallelOptions { MaxDegreeOfParallelism = TopicsAtOnce, CancellationToken = cancellationToken },
            async (topic, token) => await call(topic, token));

    private static async Task<IReadOnlyList<PresenceTopic>> TopicsAsync(NpgsqlConnection connection, string sql, TimeSpan age, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = age }, new() { Value = MostTopics } } };
        var topics = new List<PresenceTopic>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            topics.Add(new PresenceTopic(reader.GetString(0), reader.GetBoolean(1)));
        }

        return topics;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, TimeSpan? age, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        if (age is { } value)
        {
            command.Parameters.AddWithValue(value);
        }

        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
