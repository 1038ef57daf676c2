using System.Text;

namespace Serverless.Subscriptions.Filters;

/// <summary>Reads a filter: conditions <c>column=operator.value</c> joined by commas, all of which must hold.</summary>
/// <remarks>
/// The grammar is Supabase's: a comma inside parentheses or double quotes does not split; a quote opens only after <c>.</c>, <c>(</c> or <c>,</c>; a backslash in
/// quotes escapes the next character; a quote that is never closed, or is followed by more text, is an ordinary character.
/// </remarks>
internal static class FilterParser
{
    public const int MaxLength = 8 * 1024;
    public const int MaxConditions = 100;

    /// <exception cref="SubscriptionException">The text is not a filter; the message names the condition.</exception>
    public static IReadOnlyList<FilterCondition> Parse(string? filter)
    {
        if (string.IsNullOrWhiteSpace(filter))
        {
            return [];
        }

        if (filter.Length > MaxLength)
        {
            throw Invalid($"The filter is {filter.Length} characters long; at most {MaxLength} are accepted.");
        }

        var segments = Split(filter);
        return segments.Count <= MaxConditions
            ? [.. segments.Select(segment => ParseCondition(segment, filter))]
            : throw Invalid($"The filter has {segments.Count} conditions; at most {MaxConditions} are accepted.");
    }

    private static List<string> Split(string filter)
    {
        var segments = new List<string>();
        var depth = 0;
        var start = 0;
        for (var i = 0; i < filter.Length; i++)
        {
            switch (filter[i])
            {
                case '"' when i > 0 && filter[i - 1] is '.' or '(' or ',' && ClosingQuote(filter, i) is var close and > 0:
                    i = close;
                    break;
                case '(':
                    depth++;
                    break;
                case ')' when depth > 0:
                    depth--;
                    break;
                case ',' when depth == 0:
                    segments.Add(filter[start..i]);
                    start = i + 1;
                    break;
            }
        }

        segments.Add(filter[start..]);
        return segments;
    }

    // The quote that ends the quoted value which begins at `open`; -1 where it is never closed or text follows it.
    private static int ClosingQuote(string text, int open)
    {
        for (var i = open + 1; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == '"')
            {
                return i + 1 == text.Length || text[i + 1] is ',' or ')' ? i : -1;
            }
        }

        return -1;
    }

    private static FilterCondition ParseCondition(string segment, string filter)
    {
        var text = segment.Trim();
        if (text.Length == 0)
        {
            throw Invalid($"Filter '{Shorten(filter)}' has an empty condition. Write 'column=eq.value', with commas between conditions only.");
        }

        var equals = text.IndexOf('=');
        var dot = equals < 0 ? -1 : text.IndexOf('.', equals);
        if (equals <= 0 || dot < 0)
        {
            throw Invalid($"Condition '{Shorten(text)}' is not of the form 'column=eq.value'.");
        }

        var name = text[(equals + 1)..dot];
        return name == "eq"
            ? new FilterCondition(text[..equals], name, Unquote(text[(dot + 1)..]))
            : throw Invalid($"Condition '{Shorten(text)}' uses the operator '{Shorten(name)}'; this version knows 'eq' only, as in 'column=eq.value'.");
    }

    private static string Unquote(string value)
    {
        if (value.Length < 2 || value[0] != '"' || ClosingQuote(value, 0) != value.Length - 1)
        {
            return value;
        }

        var text = new StringBuilder(value.Length);
        for (var i = 1; i < value.Length - 1; i++)
        {
            if (value[i] == '\\' && i + 1 < value.Length - 1)
            {
                i++;
            }

            text.Append(value[i]);
        }

        return text.ToString();
    }

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "...";

    private static SubscriptionException Invalid(string message) => SubscriptionException.Invalid("InvalidFilter", message);
}
