namespace Serverless.Topics;

/// <summary>A topic that a session has joined, with whose rights.</summary>
/// <param name="PresenceKey">The name under which the session is present there.</param>
/// <param name="WantsPresence">Whether it asked to be told who is present.</param>
internal sealed record JoinedTopic(string Topic, bool IsPrivate, string Role, string ClaimsKey, string Claims, DateTimeOffset ExpiresAt, string PresenceKey, bool WantsPresence)
{
    /// <summary>The SignalR groups that the session's connection is to be in for it.</summary>
    public required IReadOnlyList<string> Groups { get; init; }

    public TopicQuestion Question => new(Role, ClaimsKey, Claims, Topic);

    // A record prints its members, and claims are personal data.
    public override string ToString() => nameof(JoinedTopic);
}
