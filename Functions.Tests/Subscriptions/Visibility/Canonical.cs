using System.Text.Json;

namespace Serverless.Subscriptions.Visibility;

/// <summary>One text for each thing that a client can be told, so that what it was told and what it should be told are compared as a whole.</summary>
internal static class Canonical
{
    /// <summary>Nothing was, or is to be, sent.</summary>
    public const string Nothing = "nothing";

    public static string Of(JsonElement value) => value.ValueKind == JsonValueKind.Undefined ? "absent" : JsonSerializer.Serialize(value);

    /// <param name="columns">Those that the message describes.</param>
    public static string Of(
        string kind,
        IReadOnlyDictionary<string, JsonElement>? record,
        IReadOnlyDictionary<string, JsonElement>? old,
        string? error,
        bool left,
        IEnumerable<string> columns) =>
        $"{kind}{(left ? " left" : "")} record {Row(record)} old {Row(old)} error {error ?? "none"} columns {Names(columns)}";

    /// <summary>A member of <c>changes</c> as it was received, with the columns of its message.</summary>
    public static string OfReceived(JsonElement change, IEnumerable<string> columns)
    {
        var error = change.GetProperty("errors") is { ValueKind: JsonValueKind.Array } errors ? string.Join(';', errors.EnumerateArray().Select(each => each.GetString())) : null;
        var text = Of(
            change.GetProperty("type").GetString()!,
            Row(change, "record"),
            Row(change, "old_record"),
            error,
            change.TryGetProperty("left", out var left) && left.GetBoolean(),
            columns);
        string[] known = ["position", "type", "commit_timestamp", "record", "old_record", "errors", "left"];
        var unknown = change.EnumerateObject().Select(property => property.Name).Except(known).ToList();
        return unknown.Count == 0 ? text : $"{text} with {string.Join(", ", unknown)}";
    }

    private static Dictionary<string, JsonElement>? Row(JsonElement change, string name) => change.TryGetProperty(name, out var row)
        ? row.EnumerateObject().ToDictionary(property => property.Name, property => property.Value, StringComparer.Ordinal)
        : null;

    private static string Row(IReadOnlyDictionary<string, JsonElement>? row) => row is null
        ? "none"
        : "{" + string.Join(", ", row.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}: {Of(pair.Value)}")) + "}";

    private static string Names(IEnumerable<string> columns) => string.Join(' ', columns.Order(StringComparer.Ordinal));
}
