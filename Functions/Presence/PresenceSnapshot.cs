namespace Serverless.Presence;

/// <summary>Who is present on a topic, as of a version.</summary>
/// <param name="State">The keys with their metas, a JSON object.</param>
internal sealed record PresenceSnapshot(long Version, ReadOnlyMemory<byte> State);
