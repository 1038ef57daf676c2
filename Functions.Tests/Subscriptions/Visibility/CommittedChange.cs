using System.Text.Json;

namespace Serverless.Subscriptions.Visibility;

/// <summary>A change as the table's trigger wrote it down.</summary>
internal sealed class CommittedChange(long sequence, string kind, string? old, string? @new)
{
    public string Kind { get; } = kind;

    public IReadOnlyDictionary<string, JsonElement>? Old { get; } = Read(old);

    public IReadOnlyDictionary<string, JsonElement>? New { get; } = Read(@new);

    /// <summary>What the oracle's copies of the table call its images.</summary>
    public long OldImage => 2 * sequence;

    public long NewImage => (2 * sequence) + 1;

    /// <summary>Whether a value kept outside the row was left alone, so that the log has it in the old row at most.</summary>
    public bool LeftBigAlone => Old is not null && New is not null && Text(New) is { Length: >= RandomTable.ToastedLength } big && big == Text(Old);

    public bool KeepsKey(IReadOnlySet<string> key) => key.All(name => Canonical.Of(Old![name]) == Canonical.Of(New![name]));

    public override string ToString() => $"{Kind} old {old ?? "-"} new {@new ?? "-"}";

    private static string? Text(IReadOnlyDictionary<string, JsonElement> row) => row["big"].GetString();

    private static Dictionary<string, JsonElement>? Read(string? row) => row is null
        ? null
        : JsonElement.Parse(row).EnumerateObject().ToDictionary(property => property.Name, property => property.Value, StringComparer.Ordinal);
}
