using System.Text.RegularExpressions;

namespace Serverless.Subscriptions.Filters;

/// <summary>Reads a filter: conditions <c>column=[not.]operator.value</c> joined by commas, all of which must hold.</summary>
/// <remarks>
/// That is Supabase's grammar. In the place of a condition, PostgREST's groups are accepted too: <c>or=(a.eq.1,b.gt.2)</c>, <c>and=(...)</c>, either with
/// <c>not.</c> before it, and nested as <c>and(...)</c> and <c>or(...)</c>. A column that is called <c>or</c> or <c>and</c> is told from a group by its operator:
/// no value begins where a group's parenthesis does.
/// </remarks>
internal static partial class FilterParser
{
    public const int MaxLength = 8 * 1024;
    public const int MaxConditions = 100;
    public const int MaxListLength = 100;
    public const int MaxDepth = 10;

    private const string ExpectedForm = "Write 'column=eq.value' or with another operator, as in 'name=not.like.a%', or a group such as 'or=(a.eq.1,b.gt.2)'.";

    /// <exception cref="SubscriptionException">The text is not a filter; the message names the condition.</exception>
    public static FilterSyntax Parse(string? filter)
    {
        if (string.IsNullOrWhiteSpace(filter))
        {
            return new AllSyntax([]);
        }

        if (filter.Length > MaxLength)
        {
            throw Invalid($"The filter is {filter.Length} characters long; at most {MaxLength} are accepted.");
        }

        var parts = FilterText.SplitConditions(filter, inGroup: false).ConvertAll(part => ReadTopLevel(part.Trim(), filter));
        var syntax = parts.Count == 1 ? parts[0] : new AllSyntax(parts);
        var count = syntax.Conditions.Count();
        return count <= MaxConditions ? syntax : throw Invalid($"The filter has {count} conditions; at most {MaxConditions} are accepted.");
    }

    private static FilterSyntax ReadTopLevel(string text, string filter)
    {
        if (text.Length == 0)
        {
            throw Invalid($"Filter '{Shorten(filter)}' has an empty condition. {ExpectedForm}");
        }

        if (TopLevelGroup().Match(text) is { Success: true } head)
        {
            return ReadGroup(text, head, depth: 1);
        }

        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 ? ReadCondition(text, text[..equals], text[(equals + 1)..]) : throw NotACondition(text);
    }

    private static FilterSyntax ReadNested(string text, int depth)
    {
        if (NestedGroup().Match(text) is { Success: true } head)
        {
            return ReadGroup(text, head, depth + 1);
        }

        if (TopLevelGroup().IsMatch(text))
        {
            throw Invalid($"'{Shorten(text)}' is a group in a group, which is written without '=': 'and(a.eq.1,b.eq.2)'.");
        }

        return FilterText.SplitColumn(text) is var (column, rest)
            ? ReadCondition(text, column, rest)
            : throw Invalid($"'{Shorten(text)}' in a group is not a condition. Write 'column.operator.value', such as 'id.eq.1', or a group such as 'or(a.eq.1,b.gt.2)'.");
    }

    private static FilterSyntax ReadGroup(string text, Match head, int depth)
    {
        if (depth > MaxDepth)
        {
            throw Invalid($"The filter nests groups more than {MaxDepth} deep.");
        }

        var open = head.Length - 1;
        if (FilterText.ClosingParenthesis(text, open) != text.Length - 1)
        {
            throw Invalid($"Group '{Shorten(text)}' does not end with the parenthesis that closes it. Values that hold parentheses or commas are written in double quotes.");
        }

        var parts = FilterText.SplitConditions(text[(open + 1)..^1], inGroup: true).ConvertAll(part => ReadNested(part.Trim(), depth));
        FilterSyntax group = head.Groups["join"].Value == "or" ? new AnySyntax(parts) : new AllSyntax(parts);
        return head.Groups["not"].Success ? new NotSyntax(group) : group;
    }

    private static FilterSyntax ReadCondition(string text, string column, string test)
    {
        var negated = test.StartsWith("not.", StringComparison.Ordinal);
        var positive = negated ? test[4..] : test;
        var dot = positive.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0)
        {
            throw NotACondition(text);
        }

        var @operator = FilterOperators.Parse(positive[..dot])
            ?? throw Invalid($"Condition '{Shorten(text)}' uses the operator '{Shorten(positive[..dot])}'. Known are {FilterOperators.Known}, each also after 'not.'.");
        var condition = new ConditionSyntax(Shorten(text), column, @operator, ReadValues(text, @operator, positive[(dot + 1)..]));
        return negated ? new NotSyntax(condition) : condition;
    }

    private static List<string> ReadValues(string text, FilterOperator @operator, string value) => @operator switch
    {
        FilterOperator.In => ReadList(text, value),
        FilterOperator.Is => [ReadTruth(text, FilterText.Unquote(value))],
        _ => [FilterText.Unquote(value)],
    };

    private static List<string> ReadList(string text, string value)
    {
        if (value is not ['(', .., ')'])
        {
            throw Invalid($"Condition '{Shorten(text)}': 'in' takes a list in parentheses, such as 'id=in.(1,2,3)'.");
        }

        if (string.IsNullOrWhiteSpace(value[1..^1]))
        {
            return [];
        }

        var elements = FilterText.SplitList(value[1..^1]);
        return elements.Count <= MaxListLength
            ? elements
            : throw Invalid($"Condition '{Shorten(text)}' lists {elements.Count} values; at most {MaxListLength} are accepted.");
    }

    private static string ReadTruth(string text, string value)
    {
        var lower = value.ToLowerInvariant();
        return lower is "null" or "true" or "false" or "unknown"
            ? lower
            : throw Invalid($"Condition '{Shorten(text)}': 'is' takes null, true, false or unknown. To compare with a value, use 'eq' or 'isdistinct'.");
    }

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "...";

    private static SubscriptionException NotACondition(string text) => Invalid($"Condition '{Shorten(text)}' cannot be read. {ExpectedForm}");

    private static SubscriptionException Invalid(string message) => SubscriptionException.Invalid("InvalidFilter", message);

    [GeneratedRegex(@"\A(?<not>not\.)?(?<join>and|or)=\(", RegexOptions.CultureInvariant)]
    private static partial Regex TopLevelGroup();

    [GeneratedRegex(@"\A(?<not>not\.)?(?<join>and|or)\(", RegexOptions.CultureInvariant)]
    private static partial Regex NestedGroup();
}
