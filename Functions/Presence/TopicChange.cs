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

/// <summary>What became of changes that were asked for.</summary>
/// <param name="Change">Null where nothing changed.</param>
/// <param name="Refused">The sessions that have not joined the topic.</param>
internal sealed record ChangeResult(TopicChange? Change, IReadOnlySet<Guid> Refused);
