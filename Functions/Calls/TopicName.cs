namespace Serverless.Calls;

/// <summary>What a topic may be called.</summary>
internal static class TopicName
{
    public const int MaxLength = 255;

    /// <returns>Why it may not be called so; null where it may.</returns>
    public static ErrorAnswer? Check(string? topic) => topic switch
    {
        null or "" => ErrorAnswer.BadRequest("InvalidTopic", "The channel has no topic. Give 'topic' a name of 1 to 255 characters."),
        { Length: > MaxLength } => ErrorAnswer.BadRequest("InvalidTopic", $"The topic is {topic.Length} characters long; at most {MaxLength} are accepted."),
        _ when topic.Any(char.IsControl) => ErrorAnswer.BadRequest("InvalidTopic", "The topic holds a control character."),
        _ => null,
    };
}
