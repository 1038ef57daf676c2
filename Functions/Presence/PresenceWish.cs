namespace Serverless.Presence;

/// <summary>What a session wants to be on a topic.</summary>
/// <param name="Meta">Its payload, as <see cref="PresencePayload"/> gives it; null to be absent.</param>
internal readonly record struct PresenceWish(Guid Session, string? Meta);
