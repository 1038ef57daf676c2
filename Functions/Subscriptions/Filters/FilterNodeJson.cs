using System.Text.Json;
using System.Text.Json.Serialization;

namespace Serverless.Subscriptions.Filters;

/// <summary>How a filter is stored. Groups nest no deeper than the parser lets them, so the reader's own limit on depth holds.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true, AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(FilterNode))]
internal sealed partial class FilterNodeJson : JsonSerializerContext
{
    public static string Write(FilterNode node) => JsonSerializer.Serialize(node, Default.FilterNode);

    public static FilterNode Read(string json) => JsonSerializer.Deserialize(json, Default.FilterNode) ?? throw new JsonException("A stored filter is null.");
}
