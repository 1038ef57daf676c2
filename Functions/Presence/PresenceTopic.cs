using Serverless.Topics;

namespace Serverless.Presence;

/// <summary>A topic on which sessions are present. The public and the private topic of one name are two.</summary>
internal readonly record struct PresenceTopic(string Name, bool IsPrivate)
{
    /// <summary>The SignalR group of those who are told.</summary>
    public string Group => TopicGroups.Presence(Name, IsPrivate);

    /// <summary>Names the topic among our advisory locks.</summary>
    public string LockName => (IsPrivate ? "private " : "public ") + Name;
}
