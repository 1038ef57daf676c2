using System.Text.Json.Serialization;
using Serverless.Calls;

namespace Serverless.Presence;

/// <summary>Who is present on a topic, as of a version: what is told to whoever joins.</summary>
/// <param name="State">The keys with their metas, a JSON object.</param>
internal sealed record PresenceSnapshot(
    [property: JsonPropertyName("version")] long Version,
    [property: JsonPropertyName("state"), JsonConverter(typeof(RawJsonConverter))] ReadOnlyMemory<byte> State);
