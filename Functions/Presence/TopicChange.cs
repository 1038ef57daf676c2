namespace Serverless.Presence;

/// <summary>One member who came, changed what is told of him, or left.</summary>
/// <param name="IsJoin">False for one who left.</param>
/// <param name="Meta">His payload, a JSON object; for one who left, the last.</param>
internal readonly record struct MemberChange(bool IsJoin, string Key, string Ref, string Meta);

/// <summary>What has changed on a topic, committed.</summary>
/// <param name="Version">After the last of the changes; each counts one.</param>
internal sealed record TopicChange(long Version, IReadOnlyList<MemberChange> Members)
{
    public long Previous => Version - Members.Count;
}

/// <summary>What became of one session's wish.</summary>
internal enum ChangeOutcome
{
    Committed,

    /// <summary>The session has not joined the topic.</summary>
    NotJoined,

    /// <summary>The topic has as many members as it may have.</summary>
    TooMany,

    /// <summary>The topic's members would tell more bytes than they may.</summary>
    TooLarge,
}

/// <summary>What became of changes that were asked for.</summary>
/// <param name="Change">Null where nothing changed.</param>
/// <param name="Refused">The sessions whose wish was not done, and why.</param>
internal sealed record ChangeResult(TopicChange? Change, IReadOnlyDictionary<Guid, ChangeOutcome> Refused);
