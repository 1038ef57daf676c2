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

    private const string TopicsToDrop = "select topic, private from serverless_realtime.topics_to_drop($1, $2)";

    private const string UntoldTopics =
        "select topic, private from serverless_realtime.presence_topic where untold_since < clock_timestamp() - $1 order by untold_since limit $2";

    /// <summary>Sweeps, unless another instance does.</summary>
    public Task SweepAsync(CancellationToken cancellationToken) => sweeps.RunAsync(
        0,
        async connection =>
        {
            await ExecuteAsync(connection, "select serverless_realtime.begin_presence_anew()", cancellationToken);
            await ForEachAsync(await TopicsAsync(connection, TopicsToDrop, options.Value.Timeout, cancellationToken), DropAsync, cancellationToken);
            await TellAsync(await TopicsAsync(connection, UntoldTopics, _untoldAge, cancellationToken), cancellationToken);
            await ExecuteAsync(connection, "select serverless_realtime.forget_presence($1, $2)", cancellationToken, _emptyAge, options.Value.Timeout);
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

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params TimeSpan[] ages)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var age in ages)
        {
            command.Parameters.AddWithValue(age);
        }

        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
