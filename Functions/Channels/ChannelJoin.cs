using Serverless.Auth;
using Serverless.Calls;
using Serverless.Subscriptions;

namespace Serverless.Channels;

/// <summary>One channel that a session wants, checked as far as its own words go.</summary>
/// <param name="Caller">Whose rights count for this channel.</param>
internal sealed record ChannelJoin(string Topic, Caller Caller, IReadOnlyList<SubscriptionRequest> Requests)
{
    public const int MaxTopicLength = 255;
    public const int MaxRequests = 100;

    public static ErrorAnswer? CheckTopic(string? topic) => topic switch
    {
        null or "" => ErrorAnswer.BadRequest("InvalidTopic", "The channel has no topic. Give 'topic' a name of 1 to 255 characters."),
        { Length: > MaxTopicLength } => ErrorAnswer.BadRequest("InvalidTopic", $"The topic is {topic.Length} characters long; at most {MaxTopicLength} are accepted."),
        _ when topic.Any(char.IsControl) => ErrorAnswer.BadRequest("InvalidTopic", "The topic holds a control character."),
        _ => null,
    };
}
