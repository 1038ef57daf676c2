using Serverless.Topics;

namespace Serverless.Channels;

/// <summary>A channel that was joined, refused or left.</summary>
/// <param name="Subscriptions">The ids of its subscriptions; whatever else its topic has is to end.</param>
/// <param name="Topic">The topic as it was registered; null where the channel ends.</param>
/// <param name="Groups">The SignalR groups that the connection may be in for the topic.</param>
internal sealed record JoinedChannel(ChannelAnswer Answer, IReadOnlyList<long> Subscriptions, JoinedTopic? Topic, IReadOnlyList<string> Groups)
{
    public ChannelJoin? Join { get; init; }

    public static JoinedChannel Ended(ChannelAnswer answer) => new(answer, [], null, []);
}
