using Microsoft.Extensions.Options;
using Serverless.Calls;
using Serverless.Topics;

namespace Serverless.Broadcast;

/// <summary>Sends what clients say to their topics.</summary>
/// <remarks>A message to a public topic asks the database nothing. One to a private topic needs a session that has joined it, and the right to send, both known for a bounded time.</remarks>
internal sealed class ClientBroadcast(
    TopicSender sender, KeptMessages kept, JoinedTopics joined, TopicAuthorization authorization, RateLimits rates, IOptions<LimitOptions> limits)
{
    public async Task<IReadOnlyList<MessageAnswer>> SendAsync(Guid session, IReadOnlyList<MessageBody?> bodies, CancellationToken cancellationToken)
    {
        if (!rates.Take(LimitKind.Events, session.ToString("N"), bodies.Count).IsTaken)
        {
            throw new RefusedCallException(new ErrorAnswer(
                StatusCodes.Status429TooManyRequests,
                "TooManyEvents",
                $"This client sends more than {limits.Value.EventsPerSecond} messages a second (Limits:EventsPerSecond). Send fewer; of cursors and the like only the latest matters."));
        }

        var answers = new MessageAnswer?[bodies.Count];
        var messages = new List<(int Place, TopicMessage Message)>();
        for (var i = 0; i < bodies.Count; i++)
        {
            if (MessageReader.Read(bodies[i], limits.Value.PayloadBytes, out var refusal) is { } message)
            {
                messages.Add((i, message));
            }
            else
            {
                answers[i] = MessageAnswer.Refused(refusal!);
            }
        }

        var refused = await RefusedTopicsAsync(session, messages.Where(read => read.Message.IsPrivate).Select(read => read.Message.Topic), cancellationToken);
        var allowed = new List<TopicMessage>(messages.Count);
        foreach (var (place, message) in messages)
        {
            if (message.IsPrivate && refused.TryGetValue(message.Topic, out var refusal))
            {
                answers[place] = MessageAnswer.Refused(refusal);
            }
            else
            {
                answers[place] = MessageAnswer.Ok;
                allowed.Add(message);
            }
        }

        await sender.SendAsync(await kept.KeepAsync(allowed, cancellationToken), cancellationToken);
        return answers!;
    }

    private async Task<IReadOnlyDictionary<string, ErrorAnswer>> RefusedTopicsAsync(Guid session, IEnumerable<string> topics, CancellationToken cancellationToken)
    {
        var refused = new Dictionary<string, ErrorAnswer>(StringComparer.Ordinal);
        var asked = topics.ToHashSet(StringComparer.Ordinal);
        if (asked.Count == 0)
        {
            return refused;
        }

        var found = await joined.FindAsync(session, asked, cancellationToken);
        foreach (var topic in asked)
        {
            if (!found.TryGetValue(topic, out var channel) || !channel.IsPrivate)
            {
                refused.Add(topic, ErrorAnswer.BadRequest("TopicNotJoined", "The session has not joined this private topic, or its token has expired. Join it, then send."));
            }
            else if (!(await authorization.ToSendAsync(channel.Question, cancellationToken)).Broadcast)
            {
                refused.Add(topic, PrivateTopic.MayNotSend);
            }
        }

        return refused;
    }
}
