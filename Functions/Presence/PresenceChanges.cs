using Serverless.Calls;
using Serverless.Topics;

namespace Serverless.Presence;

/// <summary>Makes sessions present and absent.</summary>
internal sealed class PresenceChanges(PresenceQueue queue, PresenceStore store, JoinedTopics joinedTopics, TopicAuthorization authorization)
{
    private static readonly ErrorAnswer _notJoined = ErrorAnswer.BadRequest(
        "TopicNotJoined", "The session has not joined this topic, or the token it joined with has expired. Join first, or send a new token.");

    private static readonly ErrorAnswer _mayNotBePresent = new(
        StatusCodes.Status403Forbidden,
        "Unauthorized",
        "You do not have permission to be present on this private topic. An INSERT policy on realtime.messages has to allow it for this role and these claims, with extension 'presence'.");

    /// <summary>Makes a session present with payloads, each on a topic that it has joined, or changes what is told of it there.</summary>
    /// <returns>For each in order, why it was refused; null where it is committed.</returns>
    public async Task<IReadOnlyList<ErrorAnswer?>> TrackAsync(
        Guid session, IReadOnlyList<(string Topic, string Meta)> wanted, CancellationToken cancellationToken)
    {
        var answers = await TryTrackAsync(session, wanted, cancellationToken);
        var again = Enumerable.Range(0, wanted.Count).Where(place => answers[place] == _notJoined).ToList();
        if (again.Count == 0)
        {
            return answers;
        }

        // What is known of the session may be a minute old: it may have left the topic and joined it anew through another instance.
        again.ForEach(place => joinedTopics.Forget(session, wanted[place].Topic));
        var anew = await TryTrackAsync(session, [.. again.Select(place => wanted[place])], cancellationToken);
        var settled = answers.ToArray();
        for (var i = 0; i < again.Count; i++)
        {
            settled[again[i]] = anew[i];
        }

        return settled;
    }

    /// <summary>Makes a session absent from topics; one on which it was not present is no error.</summary>
    public async Task UntrackAsync(Guid session, IReadOnlyList<string> topics, CancellationToken cancellationToken)
    {
        // A presence that still waits to be written is not read, so the topics that are joined count too.
        var joined = await joinedTopics.FindAsync(session, topics, cancellationToken);
        var present = await store.TopicsOfAsync(session, cancellationToken);
        await LeaveAllAsync(
            session,
            joined.Values.Select(topic => new PresenceTopic(topic.Topic, topic.IsPrivate)).Union(present.Where(topic => topics.Contains(topic.Name))),
            cancellationToken);
    }

    /// <summary>Makes a session absent because it has left topics, may no longer be there, or has ended.</summary>
    /// <param name="topics">Null for every topic. Call it when the registry says so already: what is still under way is refused by that.</param>
    public async Task LeaveAsync(Guid session, IReadOnlyList<(string Topic, bool IsPrivate)>? topics, CancellationToken cancellationToken)
    {
        var present = await store.TopicsOfAsync(session, cancellationToken);
        await LeaveAllAsync(session, present.Where(topic => topics?.Contains((topic.Name, topic.IsPrivate)) ?? true), cancellationToken);
    }

    private Task<bool[]> LeaveAllAsync(Guid session, IEnumerable<PresenceTopic> topics, CancellationToken cancellationToken) =>
        Task.WhenAll(topics.Select(topic => queue.ChangeAsync(topic, new PresenceWish(session, Meta: null), cancellationToken)));

    private async Task<IReadOnlyList<ErrorAnswer?>> TryTrackAsync(
        Guid session, IReadOnlyList<(string Topic, string Meta)> wanted, CancellationToken cancellationToken)
    {
        var joined = await joinedTopics.FindAsync(session, wanted.Select(one => one.Topic), cancellationToken);
        var refused = new Dictionary<string, ErrorAnswer>(StringComparer.Ordinal);
        foreach (var topic in wanted.Select(one => one.Topic).Distinct(StringComparer.Ordinal))
        {
            if (await RefusalAsync(joined.GetValueOrDefault(topic), cancellationToken) is { } refusal)
            {
                refused.Add(topic, refusal);
            }
        }

        return await Task.WhenAll(wanted.Select(async one =>
            refused.GetValueOrDefault(one.Topic)
            ?? (await queue.ChangeAsync(new PresenceTopic(one.Topic, joined[one.Topic].IsPrivate), new PresenceWish(session, one.Meta), cancellationToken)
                ? null
                : _notJoined)));
    }

    private async Task<ErrorAnswer?> RefusalAsync(JoinedTopic? joined, CancellationToken cancellationToken) => joined switch
    {
        null => _notJoined,
        { IsPrivate: true } when !(await authorization.ToSendAsync(joined.Question, cancellationToken)).Presence => _mayNotBePresent,
        _ => null,
    };
}
