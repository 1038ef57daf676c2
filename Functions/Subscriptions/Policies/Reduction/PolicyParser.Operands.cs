using System.Globalization;

namespace Serverless.Subscriptions.Policies.Reduction;

/// <summary>What stands between operators: columns, constants, claims, what is in parentheses, and casts of them.</summary>
internal sealed partial class PolicyParser
{
    private static readonly HashSet<string> _functions = new(StringComparer.Ordinal) { "coalesce", "nullif", "current_setting" };

    private PolicyOperand? Primary(int depth)
    {
        var start = Next.Start;
        var first = _at;
        var operand = depth > 200 ? null : Unit(depth + 1, start);

        // What is written as a text with its type is no cast: PostgreSQL has read it when the policy was made.
        var isLiteral = _at == first + 1 && operand is ValueOperand { Type: null };
        while (operand is not null && Next.Is("::"))
        {
            _at++;
            operand = TypeName() is not { } type ? null : operand switch
            {
                ValueOperand value when isLiteral || _scope.Casts.Contains(value.Type, type) => new ValueOperand(Slice(start), type),
                ColumnOperand { Cast: null } column => column with { Cast = type },
                _ => null,
            };
            isLiteral = false;
        }

        return operand;
    }

    private PolicyOperand? Unit(int depth, int start)
    {
        var token = Next;
        _at++;
        switch (token.Kind)
        {
            case PolicyTokenKind.Text:
                return new ValueOperand(Slice(start), null);
            case PolicyTokenKind.Number:
                return new ValueOperand(Slice(start), TypeOfNumber(token.Text));
            case PolicyTokenKind.Mark when token.Text == "(":
                return Parenthesized(depth, start);
            case PolicyTokenKind.QuotedName:
                return ColumnOrQualified(token.Text);
            case PolicyTokenKind.Word:
                return Named(token.Text, depth, start);
            default:
                return null;
        }
    }

    private static string TypeOfNumber(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? "integer"
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? "bigint"
        : "numeric";

    private PolicyOperand? Parenthesized(int depth, int start)
    {
        var isSelect = IsWord("select");
        if (isSelect)
        {
            _at++;
        }

        var inner = Disjunction(depth);
        if (isSelect && inner is ValueOperand && IsWord("as") && _tokens[_at + 1].Kind is PolicyTokenKind.Word or PolicyTokenKind.QuotedName)
        {
            _at += 2;
        }

        if (inner is null || !Next.Is(")") || (isSelect && inner is not ValueOperand))
        {
            return null;
        }

        _at++;
        return inner is ValueOperand value ? value with { Sql = Slice(start) } : inner;
    }

    private PolicyOperand? Named(string word, int depth, int start)
    {
        switch (word.ToLowerInvariant())
        {
            case "true" or "false":
                return new ValueOperand(Slice(start), "boolean");
            case "null":
                return new ValueOperand(Slice(start), null);
            case "array" when Next.Is("["):
                return Arguments(depth, "]") is { Count: > 0 } items && items[0].Type is { } type && items.All(item => item.Type == type)
                    ? new ValueOperand(Slice(start), type + "[]")
                    : null;
            case var function when Next.Is("("):
                return _functions.Contains(function) ? Call(function, depth, start) : null;
            case "auth" when Next.Is("."):
                return ClaimFunction(start);
            default:
                return ColumnOrQualified(word);
        }
    }

    private ValueOperand? Call(string function, int depth, int start)
    {
        var isClaim = function != "current_setting"
            || (_tokens[_at + 1] is { Kind: PolicyTokenKind.Text } setting && setting.Text.StartsWith("'request.jwt.claim", StringComparison.Ordinal));
        return isClaim && Arguments(depth, ")") is { Count: > 0 } arguments
            ? new ValueOperand(Slice(start), function == "current_setting" ? "text" : arguments[0].Type)
            : null;
    }

    private List<ValueOperand>? Arguments(int depth, string close)
    {
        var arguments = new List<ValueOperand>();
        do
        {
            _at++;
            if (Disjunction(depth) is not ValueOperand argument)
            {
                return null;
            }

            arguments.Add(argument);
        }
        while (Next.Is(","));

        if (!Next.Is(close))
        {
            return null;
        }

        _at++;
        return arguments;
    }

    private ValueOperand? ClaimFunction(int start)
    {
        var name = _tokens[_at + 1].Text;
        if (!_scope.Functions.TryGetValue(name, out var type) || !_tokens[_at + 2].Is("(") || !_tokens[_at + 3].Is(")"))
        {
            return null;
        }

        _at += 4;
        return new ValueOperand(Slice(start), type);
    }

    private ColumnOperand? ColumnOrQualified(string name)
    {
        if (Next.Is("."))
        {
            if (name != _scope.Table || _tokens[_at + 1].Kind is not (PolicyTokenKind.Word or PolicyTokenKind.QuotedName))
            {
                return null;
            }

            name = _tokens[_at + 1].Text;
            _at += 2;
        }

        return !Next.Is("(") && !Next.Is(".") && _scope.Columns.TryGetValue(name, out var column) ? new ColumnOperand(column, null) : null;
    }

    // One written without precision: with one, a cast changes the value.
    private string? TypeName()
    {
        var start = Next.Start;
        while (Next.Kind is PolicyTokenKind.Word or PolicyTokenKind.QuotedName && (_at == 0 || !_endings.Contains(Ending())) && !IsWord("is"))
        {
            _at++;
            if (Next.Is("."))
            {
                _at++;
            }
        }

        var name = Slice(start);
        if (name.Length == 0 || Next.Is("("))
        {
            return null;
        }

        if (Next.Is("["))
        {
            if (!_tokens[_at + 1].Is("]"))
            {
                return null;
            }

            _at += 2;
            name += "[]";
        }

        return name;
    }
}
