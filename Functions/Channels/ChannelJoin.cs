using Serverless.Auth;
using Serverless.Subscriptions;
using Serverless.Topics;

namespace Serverless.Channels;

/// <summary>One channel that a session wants, checked as far as its own words go.</summary>
/// <param name="Caller">Whose rights count for this channel.</param>
internal sealed record ChannelJoin(string Topic, Caller Caller, IReadOnlyList<SubscriptionRequest> Requests)
{
    public const int MaxRequests = 100;

    public bool IsPrivate { get; init; }

    /// <summary>Whether it wants to be told who is present.</summary>
    public bool WantsPresence { get; init; }

    /// <summary>The name under which it will be present.</summary>
    public string PresenceKey { get; init; } = "";

    /// <summary>Which messages from before the join it wants.</summary>
    public Replay? Replay { get; init; }

    public bool WantsReplicationReady { get; init; }

    /// <summary>Whether this is the channel that the session has already, under another token.</summary>
    public bool IsRenewal { get; init; }

    public static ChannelJoin Renew(JoinedTopic joined, Caller caller, IReadOnlyList<SubscriptionRequest> requests) => new(joined.Topic, caller, requests)
    {
        IsPrivate = joined.IsPrivate,
        WantsPresence = joined.WantsPresence,
        PresenceKey = joined.PresenceKey,
        IsRenewal = true,
    };
}

/// <param name="Limit">The most messages, the newest of them.</param>
internal sealed record Replay(DateTimeOffset Since, int Limit);
