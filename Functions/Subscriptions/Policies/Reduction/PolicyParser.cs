using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Policies.Reduction;

/// <summary>Takes a policy's expression apart, as far as it is comparisons of columns with claims and constants.</summary>
/// <remarks>
/// It reads what <c>pg_get_expr</c> writes under an empty search path: every operation in parentheses, every name qualified that is not in
/// <c>pg_catalog</c>. Whatever it does not know becomes <see cref="Opaque"/>, at the nearest AND, OR or NOT above.
/// </remarks>
internal sealed partial class PolicyParser
{
    private static readonly HashSet<string> _comparisons =
        new(StringComparer.Ordinal) { "=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "@>", "<@", "?", "?|", "?&" };

    private static readonly HashSet<string> _endings = new(StringComparer.Ordinal) { "and", "or", "as", ")", "]", ",", "" };

    private readonly string _sql;
    private readonly PolicyScope _scope;
    private readonly IReadOnlyList<PolicyToken> _tokens;
    private int _at;

    private PolicyParser(string sql, PolicyScope scope, IReadOnlyList<PolicyToken> tokens)
    {
        _sql = sql;
        _scope = scope;
        _tokens = tokens;
    }

    private PolicyToken Next => _tokens[_at];

    public static PolicyNode Parse(string sql, PolicyScope scope)
    {
        if (PolicyTokens.Read(sql) is not { } tokens)
        {
            return Opaque.Instance;
        }

        var parser = new PolicyParser(sql, scope, tokens);
        var operand = parser.Disjunction(depth: 0);
        return parser.Next.Kind == PolicyTokenKind.End && operand?.AsCondition() is { } node ? node : Opaque.Instance;
    }

    private PolicyOperand? Disjunction(int depth) => Chain("or", () => Chain("and", () => Negation(depth), PolicyNode.All), PolicyNode.Any);

    // Parts joined by one word. Without a column in any of them the whole is a value again, which PostgreSQL evaluates as it stands.
    private PolicyOperand? Chain(string word, Func<PolicyOperand?> read, Func<IReadOnlyList<PolicyNode>, PolicyNode> join)
    {
        var start = Next.Start;
        if (read() is not { } first)
        {
            return null;
        }

        if (!IsWord(word))
        {
            return first;
        }

        var parts = new List<PolicyOperand> { first };
        while (IsWord(word))
        {
            _at++;
            if (read() is not { } part)
            {
                return null;
            }

            parts.Add(part);
        }

        return parts.All(part => part is ValueOperand { Type: "boolean" })
            ? new ValueOperand(Slice(start), "boolean")
            : new ConditionOperand(join([.. parts.Select(part => part.AsCondition() ?? Opaque.Instance)]));
    }

    private PolicyOperand? Negation(int depth)
    {
        // PostgreSQL has bounded the nesting long before, but not to what this process's stack bears.
        if (depth > 200)
        {
            return null;
        }

        var start = _at;
        if (IsWord("not"))
        {
            _at++;
            return Negation(depth + 1) switch
            {
                null => null,
                ValueOperand { Type: "boolean" } => new ValueOperand($"({Slice(_tokens[start].Start)})", "boolean"),
                var operand => new ConditionOperand((operand.AsCondition() ?? Opaque.Instance).Negated()),
            };
        }

        if (Comparison(depth) is { } comparison && _endings.Contains(Ending()))
        {
            return comparison;
        }

        _at = start;
        return Skip() ? new ConditionOperand(Opaque.Instance) : null;
    }

    private string Ending() => Next.Kind switch
    {
        PolicyTokenKind.Word => Next.Text.ToLowerInvariant(),
        PolicyTokenKind.Mark or PolicyTokenKind.End => Next.Text,
        _ => "?",
    };

    // Passes over what is not understood, to the end of this part.
    private bool Skip()
    {
        var open = 0;
        var start = _at;
        for (; Next.Kind != PolicyTokenKind.End; _at++)
        {
            if (Next.Is("(") || Next.Is("["))
            {
                open++;
            }
            else if (Next.Is(")") || Next.Is("]"))
            {
                if (open-- == 0)
                {
                    break;
                }
            }
            else if (IsWord("case"))
            {
                // Its own ANDs are not this level's.
                return false;
            }
            else if (open == 0 && (IsWord("and") || IsWord("or") || Next.Is(",")))
            {
                break;
            }
        }

        return _at > start;
    }

    private PolicyOperand? Comparison(int depth)
    {
        var start = Next.Start;
        var left = Primary(depth);
        if (left is null)
        {
            return null;
        }

        if (IsWord("is"))
        {
            return Test(left, start);
        }

        if (Next.Kind != PolicyTokenKind.Operator)
        {
            return left;
        }

        var name = Next.Text;
        _at++;
        var quantifier = IsWord("any") || IsWord("all") ? Next.Text.ToLowerInvariant() : null;
        if (quantifier is not null)
        {
            _at++;
        }

        return Primary(depth) is { } right ? Join(left, name, quantifier, right, start) : null;
    }

    private PolicyOperand? Join(PolicyOperand left, string name, string? quantifier, PolicyOperand right, int start)
    {
        if (left is ValueOperand value && right is ValueOperand)
        {
            return ResultOf(name, quantifier, value.Type) is { } type ? new ValueOperand(Slice(start), type) : null;
        }

        if (quantifier is null && left is ValueOperand)
        {
            (left, right) = (right, left);
            name = name.StartsWith('<') && name != "<>" ? '>' + name[1..] : name.StartsWith('>') ? '<' + name[1..] : name;
        }

        if (left is not ColumnOperand column || right is not ValueOperand operand)
        {
            return null;
        }

        // "<> all" is the negation of "= any".
        return (name, quantifier) switch
        {
            ("=", null) => ToOperand(ColumnComparison.Equal(column, operand, isArray: false)),
            ("<>", null) => ToOperand(ColumnComparison.Equal(column, operand, isArray: false)?.Negated()),
            ("<", null) => ToOperand(ColumnComparison.Order(column, FilterOperator.Less, operand)),
            ("<=", null) => ToOperand(ColumnComparison.Order(column, FilterOperator.LessOrEqual, operand)),
            (">", null) => ToOperand(ColumnComparison.Order(column, FilterOperator.Greater, operand)),
            (">=", null) => ToOperand(ColumnComparison.Order(column, FilterOperator.GreaterOrEqual, operand)),
            ("=", "any") => ToOperand(ColumnComparison.Equal(column, operand, isArray: true)),
            ("<>", "all") => ToOperand(ColumnComparison.Equal(column, operand, isArray: true)?.Negated()),
            _ => null,
        };
    }

    private static ConditionOperand? ToOperand(PolicyNode? node) => node is null ? null : new ConditionOperand(node);

    private static string? ResultOf(string name, string? quantifier, string? left) => name switch
    {
        _ when _comparisons.Contains(name) => "boolean",
        _ when quantifier is not null => null,
        "->" or "#>" when left is "json" or "jsonb" => left,
        "->>" or "#>>" when left is "json" or "jsonb" => "text",
        "||" when left is "text" => "text",
        _ => null,
    };

    private PolicyOperand? Test(PolicyOperand left, int start)
    {
        _at++;
        var isNegated = IsWord("not");
        if (isNegated)
        {
            _at++;
        }

        var wanted = Next.Kind == PolicyTokenKind.Word ? Next.Text.ToLowerInvariant() : "";
        if (wanted is not ("null" or "true" or "false" or "unknown"))
        {
            return null;
        }

        _at++;
        return left switch
        {
            ValueOperand => new ValueOperand(Slice(start), "boolean"),
            ColumnOperand column when ColumnComparison.IsNull(column) is { } isNull && Test(column, isNull, wanted) is { } test =>
                ToOperand(isNegated ? test.Negated() : test),
            _ => null,
        };
    }

    // A test is never null itself: written so that its negation, part by part, is none either.
    private static PolicyNode? Test(ColumnOperand column, PolicyNode isNull, string wanted)
    {
        if (wanted is "null" or "unknown")
        {
            return isNull;
        }

        return column.AsCondition() is { } isTrue ? new AllParts([isNull.Negated(), wanted == "true" ? isTrue : isTrue.Negated()]) : null;
    }

    private bool IsWord(string word) => Next.Kind == PolicyTokenKind.Word && Next.Text.Equals(word, StringComparison.OrdinalIgnoreCase);

    private string Slice(int start) => _at == 0 ? "" : _sql[start..Math.Max(start, _tokens[_at - 1].End)];
}
