using System.Text;
using Npgsql;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>Resolves one condition: in memory where that is known to agree with PostgreSQL, else as a question to it.</summary>
internal sealed class ConditionResolver(NpgsqlConnection connection, TableDescription table, ColumnDescription column, ConditionSyntax condition)
{
    // A literal's type is the column's, so a boolean's is the only one known beforehand.
    private const string BooleanType = "pg_catalog.bool";

    private bool IsString => column.Category == 'S';

    public async Task<FilterNode> ResolveAsync(CancellationToken cancellationToken) => condition.Operator switch
    {
        FilterOperator.Is => await ResolveIsAsync(cancellationToken),
        FilterOperator.NotEqual when MemoryRule is not null => FilterNode.Not(await ResolveEqualAsync(cancellationToken)),
        FilterOperator.Equal or FilterOperator.NotEqual or FilterOperator.In => await ResolveEqualAsync(cancellationToken),
        FilterOperator.IsDistinct => await ResolveDistinctAsync(cancellationToken),
        FilterOperator.Like => await ResolveLikeAsync(cancellationToken),
        FilterOperator.ILike or FilterOperator.Match or FilterOperator.IMatch => await AskPatternAsync(cancellationToken),
        _ => await ResolveOrderAsync(cancellationToken),
    };

    private async Task<FilterNode> ResolveIsAsync(CancellationToken cancellationToken)
    {
        var value = condition.Values[0];
        if (value != "null" && column.BaseTypeName != "bool")
        {
            throw Invalid($"'is.{value}' is for boolean columns, and '{column.Name}' is of type {column.Type}. Use 'is.null', or compare with 'eq'.");
        }

        if (value is "true" or "false")
        {
            return new DistinctNode(column.Name, BooleanType, EqualityRule.SameToken, value, IsNegated: true);
        }

        if (column.BaseTypeName is "json" or "jsonb")
        {
            return new JsonNullNode(column.Name, IsNegated: false);
        }

        // A composite whose fields are all null is null to SQL, though its JSON is an object.
        return column.Category == 'C'
            ? await AskAsync($"({SqlName.Of(column.Name)} is null)", cancellationToken)
            : new NullNode(column.Name, IsNegated: false);
    }

    private async Task<FilterNode> ResolveEqualAsync(CancellationToken cancellationToken)
    {
        if (condition.Values.Count == 0)
        {
            return FilterNode.Any([]);
        }

        if (MemoryRule is not { } rule)
        {
            return await AskAsync(await OperatorAsync(cancellationToken), await ReadTextsAsync(cancellationToken), cancellationToken);
        }

        var values = (await ReadTokensAsync(cancellationToken)).Select(token => rule.Canonical(token));
        return new EqualNode(column.Name, column.SqlType, rule, [.. values.Distinct().Order(StringComparer.Ordinal)]);
    }

    private async Task<FilterNode> ResolveDistinctAsync(CancellationToken cancellationToken)
    {
        if (MemoryRule is { } rule)
        {
            var token = rule.Canonical((await ReadTokensAsync(cancellationToken))[0]);
            return new DistinctNode(column.Name, column.SqlType, rule, token, IsNegated: false);
        }

        // "Is not distinct from null" is the test for null that takes no interest in a composite's fields.
        var equal = await OperatorAsync(cancellationToken);
        var values = await ReadTextsAsync(cancellationToken);
        var name = SqlName.Of(column.Name);
        return await AskAsync($"({name} is not distinct from null or not {name} {equal.Sql} {SqlLiteral.Of(values[0])}::{equal.OperandType})", cancellationToken);
    }

    private async Task<FilterNode> ResolveOrderAsync(CancellationToken cancellationToken)
    {
        if (ValueOrders.For(column) is not { } order)
        {
            return await AskAsync(await OperatorAsync(cancellationToken), await ReadTextsAsync(cancellationToken), cancellationToken);
        }

        var token = (await ReadTokensAsync(cancellationToken))[0];
        var canonical = order == ValueOrder.Numeric ? EqualityRule.SameNumber.Canonical(token) : Encoding.UTF8.GetString(token);
        return new OrderNode(column.Name, column.SqlType, order, condition.Operator, canonical);
    }

    private async Task<FilterNode> ResolveLikeAsync(CancellationToken cancellationToken)
    {
        var isBuiltIn = column.BaseTypeName is "text" or "varchar" or "bpchar" or "name";
        return isBuiltIn && column.HasPlainCollation && table.IsUtf8
            ? new LikeNode(column.Name, RequirePattern())
            : await AskPatternAsync(cancellationToken);
    }

    private async Task<FilterNode> AskPatternAsync(CancellationToken cancellationToken)
    {
        if (!IsString)
        {
            throw Invalid($"patterns are for text, and column '{column.Name}' is of type {column.Type}. Compare with eq, in, lt, lte, gt or gte.");
        }

        return await AskAsync(await OperatorAsync(cancellationToken), [RequirePattern()], cancellationToken);
    }

    private string RequirePattern()
    {
        var pattern = condition.Values[0];
        if (pattern.Contains('\0', StringComparison.Ordinal))
        {
            throw Invalid("the pattern holds a NUL character, which no text in PostgreSQL does.");
        }

        var isLike = condition.Operator is FilterOperator.Like or FilterOperator.ILike;
        return !isLike || LikePattern.Parse(pattern) is not null
            ? pattern
            : throw Invalid("a LIKE pattern must not end with its escape character. Write '\\\\' for a backslash.");
    }

    private EqualityRule? MemoryRule => column.HasPlainCollation ? EqualityRules.For(column.BaseTypeName, column.IsEnum) : null;

    private Task<SqlOperator> OperatorAsync(CancellationToken cancellationToken) =>
        SqlOperator.FindAsync(connection, condition.Operator, column.SqlType, cancellationToken);

    private async Task<AskNode> AskAsync(SqlOperator @operator, IReadOnlyList<string> values, CancellationToken cancellationToken)
    {
        var tests = values.Select(value => $"{SqlName.Of(column.Name)} {@operator.Sql} {SqlLiteral.Of(value)}::{@operator.OperandType}");
        return await AskAsync($"({string.Join(" or ", tests.Distinct().Order(StringComparer.Ordinal))})", cancellationToken);
    }

    private async Task<AskNode> AskAsync(string sql, CancellationToken cancellationToken)
    {
        if (await FilterProbe.TryAsync(connection, column, sql, cancellationToken) is { } problem)
        {
            throw Invalid(problem);
        }

        return column.BaseTypeName == "jsonb" ? await JsonNulls.AskAsync(connection, column, sql, cancellationToken) : new AskNode(column.Name, sql);
    }

    private async Task<IReadOnlyList<byte[]>> ReadTokensAsync(CancellationToken cancellationToken)
    {
        var tokens = await LiteralReader.ReadTokensAsync(connection, column, condition.Values, cancellationToken);
        return tokens.Count == condition.Values.Count ? tokens : throw NotAValue(condition.Values[tokens.Count]);
    }

    private async Task<IReadOnlyList<string>> ReadTextsAsync(CancellationToken cancellationToken)
    {
        var texts = await LiteralReader.ReadTextsAsync(connection, column, condition.Values, cancellationToken);
        return texts.Count == condition.Values.Count ? texts : throw NotAValue(condition.Values[texts.Count]);
    }

    private SubscriptionException NotAValue(string text) =>
        Invalid($"'{(text.Length <= 100 ? text : text[..100] + "...")}' is not a value of type {column.Type}. Give one that casts to it.");

    private SubscriptionException Invalid(string problem) => SubscriptionException.Invalid("InvalidFilter", $"Condition '{condition.Text}': {problem}");
}
