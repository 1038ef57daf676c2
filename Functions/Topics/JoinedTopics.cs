using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Serverless.Topics;

/// <summary>What sessions have joined, as it was read lately: every message to a private topic and every change of presence asks.</summary>
/// <remarks>
/// Kept for <see cref="TopicOptions.AuthorizationTime"/> and never beyond the token's end; what is joined, left or given a new token through this process is read anew. A topic that was not found
/// is not remembered, so that whoever joins and sends at once is never refused.
/// </remarks>
internal sealed class JoinedTopics(NpgsqlDataSource dataSource, IOptions<TopicOptions> options, TimeProvider time)
{
    private const int MostKept = 50_000;

    private readonly ConcurrentDictionary<(Guid Session, string Topic), (JoinedTopic Joined, long At)> _known = new();

    /// <summary>Those of the topics that the session has joined, by name.</summary>
    public async Task<IReadOnlyDictionary<string, JoinedTopic>> FindAsync(Guid session, IEnumerable<string> topics, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, JoinedTopic>(StringComparer.Ordinal);
        var unknown = new List<string>();
        var now = time.GetUtcNow();
        foreach (var topic in topics.Distinct(StringComparer.Ordinal))
        {
            if (_known.TryGetValue((session, topic), out var known) && time.GetElapsedTime(known.At) < options.Value.AuthorizationTime && known.Joined.ExpiresAt > now)
            {
                found.Add(topic, known.Joined);
            }
            else
            {
                unknown.Add(topic);
            }
        }

        if (unknown.Count > 0)
        {
            await ReadAsync(session, unknown, now, found, cancellationToken);
        }

        return found;
    }

    public void Forget(Guid session, string topic) => _known.TryRemove((session, topic), out _);

    private async Task ReadAsync(
        Guid session, List<string> topics, DateTimeOffset now, Dictionary<string, JoinedTopic> into, CancellationToken cancellationToken)
    {
        var at = time.GetTimestamp();
        foreach (var joined in await TopicRegistry.FindAsync(dataSource, session, topics, now, cancellationToken))
        {
            into.Add(joined.Topic, joined);
            if (_known.Count >= MostKept)
            {
                _known.Clear();
            }

            _known[(session, joined.Topic)] = (joined, at);
        }
    }
}
