using Npgsql;

namespace Serverless.Subscriptions.Registry;

/// <summary>A live subscription of a session, as it is when it is asked for.</summary>
/// <param name="Number">What the client knows it by.</param>
/// <param name="Claims">The claims of its own token, as JSON, whether or not its group is for them alone.</param>
internal sealed record SessionSubscription(string Topic, long Number, long Group, GroupDefinition Definition, string Claims)
{
    /// <summary>The session's live subscriptions on some topics; none of a token that has expired.</summary>
    public static async Task<ILookup<string, SessionSubscription>> ReadAsync(
        NpgsqlDataSource dataSource, Guid session, IReadOnlyCollection<string> topics, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            """
            select s.topic, coalesce(g.number, g.id), g.id, g.definition, c.claims
            from serverless_realtime.subscription s
            join serverless_realtime.subscription_group g on g.id = s.group_id
            join serverless_realtime.claim_set c on c.key = s.claims_key
            where s.session_id = $1 and s.topic = any ($2) and s.left_at is null and s.expires_at > $3
            """);
        command.Parameters.AddWithValue(session);
        command.Parameters.AddWithValue(topics.ToArray());
        command.Parameters.AddWithValue(now.ToUniversalTime());
        var subscriptions = new List<SessionSubscription>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            subscriptions.Add(new SessionSubscription(
                reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), GroupDefinition.FromJson(reader.GetString(3)), reader.GetString(4)));
        }

        return subscriptions.ToLookup(subscription => subscription.Topic, StringComparer.Ordinal);
    }
}
