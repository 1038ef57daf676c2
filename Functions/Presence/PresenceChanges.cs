using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Serverless.Calls;
using Serverless.Topics;

namespace Serverless.Presence;

/// <summary>Makes sessions present and absent.</summary>
/// <remarks>
/// Whether a session has joined a topic is asked by the statement that changes it, which gathers many. So a topic is first taken for the public one of its name, and most calls ask nothing more; what that refuses is
/// looked up, and with it the rights on a private topic.
/// </remarks>
internal sealed class PresenceChanges(
    PresenceQueue queue, PresenceStore store, JoinedTopics joinedTopics, TopicAuthorization authorization, IOptions<PresenceOptions> options) : IDisposable
{
    // Many who come at once wait here, and not before the database's connections, which others need meanwhile.
    private const int LookingAtOnce = 8;

    private const int MostRemembered = 50_000;

    private static readonly ErrorAnswer _notJoined = ErrorAnswer.BadRequest(
        "TopicNotJoined", "The session has not joined this topic, or the token it joined with has expired. Join first, or send a new token.");

    private static readonly ErrorAnswer _mayNotBePresent = new(
        StatusCodes.Status403Forbidden,
        "Unauthorized",
        "You do not have permission to be present on this private topic. An INSERT policy on realtime.messages has to allow it for this role and these claims, with extension 'presence'.");

    private readonly SemaphoreSlim _looking = new(LookingAtOnce);

    /// <summary>Where a session was last found on the private topic, so that the public one need not be tried. Only a hint.</summary>
    private readonly ConcurrentDictionary<(Guid Session, string Topic), bool> _private = new();

    /// <summary>Makes a session present with payloads, each on a topic that it has joined, or changes what is told of it there.</summary>
    /// <returns>For each in order, why it was refused; null where it is committed.</returns>
    public async Task<IReadOnlyList<ErrorAnswer?>> TrackAsync(
        Guid session, IReadOnlyList<(string Topic, string Meta)> wanted, CancellationToken cancellationToken) =>
        await Task.WhenAll(wanted.Select(one => TrackAsync(session, one.Topic, one.Meta, cancellationToken)));

    /// <summary>Makes a session absent from topics; one on which it was not present is no error.</summary>
    public async Task UntrackAsync(Guid session, IReadOnlyList<string> topics, CancellationToken cancellationToken)
    {
        // A presence that still waits to be written is not read, so the topics where it may be count too.
        var likely = topics.Select(topic => new PresenceTopic(topic, _private.ContainsKey((session, topic)))).ToList();
        var present = await store.TopicsOfAsync(session, cancellationToken);
        await LeaveAllAsync(session, likely.Union(present.Where(topic => topics.Contains(topic.Name))), cancellationToken);
    }

    /// <summary>Makes a session absent because it has left topics, may no longer be there, or has ended.</summary>
    /// <param name="topics">Null for every topic. Call it when the registry says so already: what is still under way is refused by that.</param>
    public async Task LeaveAsync(Guid session, IReadOnlyList<(string Topic, bool IsPrivate)>? topics, CancellationToken cancellationToken)
    {
        var present = await store.TopicsOfAsync(session, cancellationToken);
        await LeaveAllAsync(session, present.Where(topic => topics?.Contains((topic.Name, topic.IsPrivate)) ?? true), cancellationToken);
    }

    public void Dispose() => _looking.Dispose();

    private Task<ChangeOutcome[]> LeaveAllAsync(Guid session, IEnumerable<PresenceTopic> topics, CancellationToken cancellationToken) =>
        Task.WhenAll(topics.Select(topic => queue.ChangeAsync(topic, new PresenceWish(session, Meta: null), cancellationToken)));

    private async Task<ErrorAnswer?> TrackAsync(Guid session, string topic, string meta, CancellationToken cancellationToken)
    {
        var wish = new PresenceWish(session, meta);
        if (!_private.ContainsKey((session, topic))
            && await queue.ChangeAsync(new PresenceTopic(topic, IsPrivate: false), wish, cancellationToken) is not ChangeOutcome.NotJoined and var outcome)
        {
            return AnswerTo(outcome);
        }

        var answer = await TrackFoundAsync(topic, wish, cancellationToken);
        if (answer != _notJoined)
        {
            return answer;
        }

        // What is known of the session may be a minute old: it may have left the topic and joined it anew through another instance.
        joinedTopics.Forget(session, topic);
        return await TrackFoundAsync(topic, wish, cancellationToken);
    }

    private async Task<ErrorAnswer?> TrackFoundAsync(string topic, PresenceWish wish, CancellationToken cancellationToken)
    {
        var (joined, refusal) = await LookAsync(wish.Session, topic, cancellationToken);
        if (refusal is not null)
        {
            return refusal;
        }

        Remember(wish.Session, topic, joined!.IsPrivate);
        return AnswerTo(await queue.ChangeAsync(new PresenceTopic(topic, joined.IsPrivate), wish, cancellationToken));
    }

    private ErrorAnswer? AnswerTo(ChangeOutcome outcome) => outcome switch
    {
        ChangeOutcome.Committed => null,
        ChangeOutcome.NotJoined => _notJoined,
        ChangeOutcome.TooMany => ErrorAnswer.BadRequest(
            "TopicFull", $"The topic has {options.Value.MaxMembers} members, which is as many as may be present (Presence:MaxMembers). Divide them among several topics."),
        ChangeOutcome.TooLarge => ErrorAnswer.BadRequest(
            "TopicFull", $"The topic's members would tell more than {options.Value.TopicBytes} bytes (Presence:TopicBytes). Tell less of each, or divide them among several topics."),
        _ => throw new InvalidOperationException($"The outcome '{outcome}' has no answer."),
    };

    private async Task<(JoinedTopic? Joined, ErrorAnswer? Refusal)> LookAsync(Guid session, string topic, CancellationToken cancellationToken)
    {
        await _looking.WaitAsync(cancellationToken);
        try
        {
            var joined = (await joinedTopics.FindAsync(session, [topic], cancellationToken)).GetValueOrDefault(topic);
            return joined switch
            {
                null => (null, _notJoined),
                { IsPrivate: true } when !(await authorization.ToSendAsync(joined.Question, cancellationToken)).Presence => (joined, _mayNotBePresent),
                _ => (joined, null),
            };
        }
        finally
        {
            _looking.Release();
        }
    }

    private void Remember(Guid session, string topic, bool isPrivate)
    {
        if (!isPrivate)
        {
            _private.TryRemove((session, topic), out _);
            return;
        }

        if (_private.Count >= MostRemembered)
        {
            _private.Clear();
        }

        _private[(session, topic)] = true;
    }
}
