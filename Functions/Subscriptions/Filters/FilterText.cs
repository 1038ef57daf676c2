using System.Text;

namespace Serverless.Subscriptions.Filters;

/// <summary>Where a filter's text may be cut, and what its quotes mean.</summary>
/// <remarks>
/// The rules are Supabase's: a comma inside parentheses or double quotes does not split; a quote opens only at the beginning or after <c>.</c>, <c>(</c> or <c>,</c>; a backslash in
/// quotes escapes the next character; a quote that is never closed, or is followed by more text, is an ordinary character. Inside <c>and(...)</c>
/// and <c>or(...)</c> PostgREST's additions hold: a column's name may be quoted, and an array's braces protect their commas.
/// </remarks>
internal static class FilterText
{
    /// <summary>Cuts conditions apart at the commas between them.</summary>
    public static List<string> SplitConditions(string text, bool inGroup)
    {
        var parts = new List<string>();
        var (parentheses, braces, start) = (0, 0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"':
                    i = EndOfQuoted(text, i, inGroup);
                    break;
                case '{' when inGroup && (braces > 0 || (i > 0 && text[i - 1] == '.')):
                    braces++;
                    break;
                case '}' when braces > 0:
                    braces--;
                    break;
                case '(':
                    parentheses++;
                    break;
                case ')' when parentheses > 0:
                    parentheses--;
                    break;
                case ',' when parentheses == 0 && braces == 0:
                    parts.Add(text[start..i]);
                    start = i + 1;
                    break;
            }
        }

        parts.Add(text[start..]);
        return parts;
    }

    /// <summary>Cuts the elements of <c>in.(...)</c> apart: unquoted, and without the white space around them.</summary>
    public static List<string> SplitList(string text)
    {
        var parts = new List<string>();
        var start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || text[i] == ',')
            {
                parts.Add(Unquote(text[start..i].Trim()));
                start = i + 1;
            }
            else if (text[i] == '"' && string.IsNullOrWhiteSpace(text[start..i]) && ClosingQuote(text, i, mayPrecede: " ,") is var close and > 0)
            {
                i = close;
            }
        }

        return parts;
    }

    /// <summary>The parenthesis that closes the one at <paramref name="open"/>; -1 where none does.</summary>
    public static int ClosingParenthesis(string text, int open)
    {
        var depth = 0;
        for (var i = open; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"':
                    i = EndOfQuoted(text, i, inGroup: true);
                    break;
                case '(':
                    depth++;
                    break;
                case ')' when --depth == 0:
                    return i;
            }
        }

        return -1;
    }

    /// <summary>The text inside the quotes, where the whole value is quoted; else the value itself.</summary>
    public static string Unquote(string value) =>
        value.Length >= 2 && value[0] == '"' && ClosingQuote(value, 0, mayPrecede: "") == value.Length - 1 ? Unescape(value[1..^1]) : value;

    /// <summary>Takes a column's name off the front of <c>column.operator.value</c>; null where no operator follows.</summary>
    public static (string Column, string Test)? SplitColumn(string text)
    {
        if (text.StartsWith('"') && ClosingQuote(text, 0, mayPrecede: ".") is var close and > 0 && close + 1 < text.Length)
        {
            return (Unescape(text[1..close]), text[(close + 2)..]);
        }

        var dot = text.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 ? (text[..dot], text[(dot + 1)..]) : null;
    }

    private static int EndOfQuoted(string text, int at, bool inGroup)
    {
        var before = at == 0 ? ',' : text[at - 1];
        if (before is not ('.' or '(' or ','))
        {
            return at;
        }

        var close = ClosingQuote(text, at, mayPrecede: inGroup && before != '.' ? ",)." : ",)");
        return close < 0 ? at : close;
    }

    // The quote that ends the quoted value which begins at `open`; -1 where it is never closed, or something else follows it.
    private static int ClosingQuote(string text, int open, string mayPrecede)
    {
        for (var i = open + 1; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == '"')
            {
                return i + 1 == text.Length || mayPrecede.Contains(text[i + 1], StringComparison.Ordinal) ? i : -1;
            }
        }

        return -1;
    }

    private static string Unescape(string quoted)
    {
        var text = new StringBuilder(quoted.Length);
        for (var i = 0; i < quoted.Length; i++)
        {
            if (quoted[i] == '\\' && i + 1 < quoted.Length)
            {
                i++;
            }

            text.Append(quoted[i]);
        }

        return text.ToString();
    }
}
