namespace Serverless.Subscriptions.Policies.Reduction;

/// <summary>Casts that give the same value the same result at any time, so that it may be computed once: not of <c>'now'</c> to a time, say.</summary>
/// <param name="casts">From one type to another, by their qualified names.</param>
internal sealed class FixedCasts(IReadOnlySet<(string Source, string Target)> casts)
{
    private const string Array = "[]";

    private static readonly string[] _texts = ["text", "character varying", "character", "name"];

    /// <param name="source">Null where the type is not known.</param>
    public bool Contains(string? source, string target) => source is not null && (source == target || casts.Contains((source, target)) || ThroughElements(source, target));

    // Texts are read and written alike, and so is an array by its elements.
    private bool ThroughElements(string source, string target) => (source.EndsWith(Array, StringComparison.Ordinal), target.EndsWith(Array, StringComparison.Ordinal)) switch
    {
        (true, true) => Contains(source[..^2], target[..^2]),
        (false, true) => _texts.Contains(source) && Contains("text", target[..^2]),
        _ => source != "text" && _texts.Contains(source) && casts.Contains(("text", target)),
    };
}
