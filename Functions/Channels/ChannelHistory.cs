using Microsoft.Extensions.Options;
using Serverless.Broadcast;
using Serverless.ChangeLog;
using Serverless.Presence;
using Serverless.Topics;

namespace Serverless.Channels;

/// <summary>Adds to a join's answer what was there before it. Read after the groups were joined, so that nothing falls between what is read and what is sent.</summary>
internal sealed class ChannelHistory(KeptMessages messages, PresenceStore presence, IOptions<PresenceOptions> options)
{
    public async Task<ChannelAnswer> AddAsync(JoinedChannel channel, CursorAnswer? cursor, CancellationToken cancellationToken)
    {
        if (channel is not { Topic: { } topic, Join: { } join })
        {
            return channel.Answer;
        }

        var answer = channel.Answer with { Cursor = channel.Subscriptions.Count > 0 ? cursor : null };
        if (join.Replay is { } replay && topic.Groups.Contains(TopicGroups.Broadcast(topic.Topic, topic.IsPrivate)))
        {
            answer = answer with { Replay = await messages.ReadAsync(topic.Topic, replay.Since, replay.Limit, cancellationToken) };
        }

        if (topic.Groups.Contains(TopicGroups.Presence(topic.Topic, topic.IsPrivate)))
        {
            var (version, state) = await presence.ReadAsync(topic.Topic, topic.IsPrivate, cancellationToken);
            answer = answer with { Presence = new JoinedPresence(version, state, options.Value.IntervalSeconds) };
        }

        return answer;
    }
}
