using System.Text.RegularExpressions;

namespace Serverless.Subscriptions.Policies.Reduction;

/// <summary>Tells functions whose result depends on the claims alone from those that may read anything else.</summary>
internal static partial class ClaimFunctions
{
    // Nothing here can name a table or run a statement: a body made of these words alone reads settings and takes them apart.
    private static readonly HashSet<string> _words = new(StringComparer.Ordinal)
    {
        "select", "begin", "return", "end", "as", "coalesce", "nullif", "current_setting", "json", "jsonb", "uuid", "text", "true", "false", "null",
        "case", "when", "then", "else", "is", "not", "and", "or",
    };

    /// <summary>Those of some functions without parameters, in schema <c>auth</c> and of language sql or plpgsql, that read claims only.</summary>
    /// <param name="bodies">Their sources by name.</param>
    public static IReadOnlySet<string> Among(IReadOnlyDictionary<string, string> bodies)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        int before;
        do
        {
            before = found.Count;
            found.UnionWith([.. bodies.Where(function => ReadsClaimsOnly(function.Value, found)).Select(function => function.Key)]);
        }
        while (found.Count > before);

        return found;
    }

    private static bool ReadsClaimsOnly(string body, HashSet<string> known)
    {
        var text = LiteralOrComment().Replace(body, part => part.Value[0] == '\'' ? part.Value : " ");
        if (text.AsSpan().IndexOfAny('"', '$') >= 0 || Setting().Count(text) != SettingCall().Count(text))
        {
            // A quoted name may be any, and so may a setting whose name is computed.
            return false;
        }

        var rest = Call().Replace(LiteralOrComment().Replace(text, " "), call => known.Contains(call.Groups[1].Value) ? " " : call.Value);
        return Word().Matches(rest).All(word => _words.Contains(word.Value.ToLowerInvariant()));
    }

    [GeneratedRegex(@"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex LiteralOrComment();

    [GeneratedRegex(@"\bcurrent_setting\s*\(\s*'request\.jwt\.claim[^']*'\s*[,)]", RegexOptions.IgnoreCase)]
    private static partial Regex Setting();

    [GeneratedRegex(@"\bcurrent_setting\b", RegexOptions.IgnoreCase)]
    private static partial Regex SettingCall();

    [GeneratedRegex(@"\bauth\s*\.\s*(\w+)\s*\(\s*\)")]
    private static partial Regex Call();

    [GeneratedRegex(@"[\p{L}_][\p{L}\p{N}_]*")]
    private static partial Regex Word();
}
