using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serverless.Support;

/// <summary>One function as the Functions host reads it: its folder's name and the trigger in its function.json.</summary>
internal sealed record FunctionJson(string Name, JsonObject Content)
{
    public JsonObject Trigger => Bindings.Single(binding => ((string)binding["type"]!).EndsWith("Trigger", StringComparison.Ordinal));

    public IEnumerable<JsonObject> Bindings => Content["bindings"]!.AsArray().Select(binding => binding!.AsObject());

    public bool IsHttp => (string?)Trigger["type"] == "httpTrigger";

    public string Route => "/" + (string)Trigger["route"]!;

    public IEnumerable<string> Methods => Trigger["methods"]!.AsArray().Select(method => ((string)method!).ToUpperInvariant());

    public static IReadOnlyList<FunctionJson> All() => Under(Checkout.TriggersFolder);

    /// <summary>The functions the host would find in an app root: it looks only in the folders directly beside host.json.</summary>
    public static IReadOnlyList<FunctionJson> Under(string appRoot) =>
        [.. Directory.GetDirectories(appRoot)
            .Where(folder => File.Exists(Path.Combine(folder, "function.json")))
            .Select(folder => new FunctionJson(
                Path.GetFileName(folder),
                JsonSerializer.Deserialize<JsonObject>(File.ReadAllText(Path.Combine(folder, "function.json")))!))
            .OrderBy(function => function.Name, StringComparer.Ordinal)];
}
