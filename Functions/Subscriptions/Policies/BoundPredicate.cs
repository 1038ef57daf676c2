using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies.Reduction;

namespace Serverless.Subscriptions.Policies;

/// <summary>Makes a predicate of a policy whose values are known.</summary>
/// <param name="values">By the SQL that they were computed with.</param>
internal sealed partial class BoundPredicate(IReadOnlyDictionary<string, JsonElement> values)
{
    /// <summary>The SQL of the values that a policy needs, each giving a <c>jsonb</c>.</summary>
    public static IEnumerable<string> ValuesOf(PolicyNode node) => node switch
    {
        AllParts all => all.Parts.SelectMany(ValuesOf),
        AnyPart any => any.Parts.SelectMany(ValuesOf),
        ColumnEquals equals => [ValueOf(equals)],
        ColumnOrder order => [ValueOf(order)],
        ClaimCondition condition => [ValueOf(condition)],
        _ => [],
    };

    public Predicate Of(PolicyNode node) => node switch
    {
        AllParts all => Join(all.Parts, neutral: true, parts => new AllOf(parts)),
        AnyPart any => Join(any.Parts, neutral: false, parts => new AnyOf(parts)),
        ColumnEquals equals => Of(equals),
        ColumnOrder order => Of(order),
        ColumnNull test => new NullTest(test.Column.Name, test.IsNegated),
        ClaimCondition condition => values[ValueOf(condition)].ValueKind == JsonValueKind.True ? Constant.True : Constant.False,
        _ => OpaquePredicate.Instance,
    };

    private static string ValueOf(ColumnEquals node) => $"to_jsonb({node.Sql})";

    private static string ValueOf(ColumnOrder node) => $"to_jsonb({node.Sql})";

    private static string ValueOf(ClaimCondition node) => $"to_jsonb(({node.Sql})::boolean)";

    private Predicate Join(IReadOnlyList<PolicyNode> nodes, bool neutral, Func<IReadOnlyList<Predicate>, Predicate> join)
    {
        var (leaveOut, decisive) = neutral ? (Constant.True, Constant.False) : (Constant.False, Constant.True);
        var parts = nodes.Select(Of).Where(part => part != leaveOut).DistinctBy(part => part.Text).ToList();
        return parts.Contains(decisive) ? decisive
            : parts.Count == 0 ? leaveOut
            : parts.Count == 1 ? parts[0]
            : join(parts);
    }

    private Predicate Of(ColumnEquals node)
    {
        var rule = EqualityRules.For(node.Column.BaseTypeName, node.Column.IsEnum)!.Value;
        var value = values[ValueOf(node)];
        if (value.ValueKind == JsonValueKind.Null)
        {
            return Constant.False;
        }

        List<JsonElement> elements = node.IsArray ? [.. Elements(value)] : [value];
        if (elements.Count == 0)
        {
            // Nothing is among no values, and not even null is unknown to be.
            return node.IsNegated ? Constant.True : Constant.False;
        }

        if (node.IsNegated && elements.Any(element => element.ValueKind == JsonValueKind.Null))
        {
            return Constant.False;
        }

        byte[][] tokens = [.. elements
            .Where(element => element.ValueKind != JsonValueKind.Null && (!node.AsText || Integer().IsMatch(element.GetString()!)))
            .Select(element => rule.Normalize(Token(element, node.AsText)).ToArray())];
        if (node.IsNegated)
        {
            return new Not(new Equality(node.Column.Name, rule, tokens));
        }

        return tokens.Length == 0 ? Constant.False : new Equality(node.Column.Name, rule, tokens);
    }

    private Predicate Of(ColumnOrder node)
    {
        var value = values[ValueOf(node)];
        if (value.ValueKind == JsonValueKind.Null)
        {
            return Constant.False;
        }

        var token = Token(value, asNumber: false);
        return ValueKey.TryRead(node.Order, token, out _) ? new Comparison(node.Column.Name, node.Order, node.Operator, token) : OpaquePredicate.Instance;
    }

    private static IEnumerable<JsonElement> Elements(JsonElement array) =>
        array.EnumerateArray().SelectMany(element => element.ValueKind == JsonValueKind.Array ? Elements(element) : [element]);

    private static byte[] Token(JsonElement value, bool asNumber) =>
        value.ValueKind != JsonValueKind.String ? Encoding.UTF8.GetBytes(value.GetRawText())
        : asNumber ? Encoding.UTF8.GetBytes(value.GetString()!)
        : JsonText.Encode(value.GetString()!);

    // How PostgreSQL writes an integer: another text of the same number is another text.
    [GeneratedRegex(@"\A(?:0|-?[1-9][0-9]*)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Integer();
}
