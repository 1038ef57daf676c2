using System.Text.Json.Nodes;

namespace Serverless.Support;

/// <summary>local.settings.sample.json, as Azure Functions Core Tools reads it.</summary>
internal static class LocalSettings
{
    public static JsonObject Content { get; } = JsonNode.Parse(Checkout.Read("local.settings.sample.json"))!.AsObject();

    /// <summary>What becomes environment variables of the host and of the process it starts.</summary>
    public static IReadOnlyDictionary<string, string> Values { get; } =
        Content[nameof(Values)]!.AsObject().ToDictionary(value => value.Key, value => (string)value.Value!);
}
