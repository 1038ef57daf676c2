namespace Serverless.Topics;

/// <summary>What a caller may do on a private topic, in one direction.</summary>
/// <param name="Failure">The SQLSTATE of a policy that could not be evaluated, which grants nothing.</param>
internal readonly record struct TopicRights(bool Broadcast, bool Presence, string? Failure = null)
{
    public static TopicRights All { get; } = new(true, true);

    public bool Any => Broadcast || Presence;
}

/// <summary>Whose rights are asked about, and on which topic.</summary>
/// <param name="ClaimsKey">Names the claims, as hexadecimal digits.</param>
/// <param name="Claims">The claims as policies find them, a JSON object.</param>
internal sealed record TopicQuestion(string Role, string ClaimsKey, string Claims, string Topic)
{
    // A record prints its members, and claims are personal data.
    public override string ToString() => nameof(TopicQuestion);
}
