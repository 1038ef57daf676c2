using System.Text.RegularExpressions;

namespace Serverless.Subscriptions.Policies.Reduction;

/// <summary>Splits an expression, as PostgreSQL writes stored expressions, into tokens.</summary>
internal static partial class PolicyTokens
{
    /// <returns>The tokens, an end after them; null where something is not understood.</returns>
    public static IReadOnlyList<PolicyToken>? Read(string sql)
    {
        var tokens = new List<PolicyToken>();
        var at = 0;
        while (at < sql.Length)
        {
            if (char.IsWhiteSpace(sql[at]))
            {
                at++;
                continue;
            }

            var match = Token().Match(sql, at);
            if (!match.Success)
            {
                return null;
            }

            tokens.Add(ToToken(match));
            at += match.Length;
        }

        tokens.Add(new PolicyToken(PolicyTokenKind.End, "", sql.Length, sql.Length));
        return tokens;
    }

    private static PolicyToken ToToken(Match match)
    {
        var (text, end) = (match.Value, match.Index + match.Length);
        if (match.Groups["quoted"].Success)
        {
            return new PolicyToken(PolicyTokenKind.QuotedName, text[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal), match.Index, end);
        }

        var kind = match.Groups["text"].Success ? PolicyTokenKind.Text
            : match.Groups["number"].Success ? PolicyTokenKind.Number
            : match.Groups["word"].Success ? PolicyTokenKind.Word
            : match.Groups["mark"].Success ? PolicyTokenKind.Mark
            : PolicyTokenKind.Operator;
        return new PolicyToken(kind, text, match.Index, end);
    }

    // A text with a backslash is written E'...' with the backslash doubled.
    [GeneratedRegex(
        """
        \G(?:
          (?<text>E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*')
          |(?<quoted>"(?:[^"]|"")+")
          |(?<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
          |(?<word>[\p{L}_][\p{L}\p{N}_$]*)
          |(?<operator>::|[-+*/<>=~!@\#%^&|`?]+)
          |(?<mark>[()\[\],.])
        )
        """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex Token();
}
