using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Policies.Reduction;

/// <summary>Decides whether a column's comparison with a value can be made on JSON tokens, and how the value must be cast for that.</summary>
internal static class ColumnComparison
{
    private static readonly string[] _integers = ["smallint", "integer", "bigint"];

    /// <returns>Null where equality of tokens is not provably equality in PostgreSQL.</returns>
    public static PolicyNode? Equal(ColumnOperand left, ValueOperand right, bool isArray)
    {
        var column = left.Column;
        var type = isArray ? ElementOf(right.Type) : right.Type;
        if (type is null || !column.HasPlainCollation || EqualityRules.For(column.BaseTypeName, column.IsEnum) is null)
        {
            return null;
        }

        if (CommonType(left, type) is { } common)
        {
            return new ColumnEquals(column, Cast(right, common, isArray), isArray, AsText: false, IsNegated: false);
        }

        return left.Cast == "text" && type == "text" && HasTokenForText(column)
            ? new ColumnEquals(column, Cast(right, "text", isArray), isArray, AsText: column.BaseTypeName is "int2" or "int4" or "int8", IsNegated: false)
            : null;
    }

    /// <returns>Null where the order is not known in memory.</returns>
    public static PolicyNode? Order(ColumnOperand left, FilterOperator @operator, ValueOperand right)
    {
        var column = left.Column;
        var description = new ColumnDescription(
            column.Name, column.Type, column.BaseTypeName, column.IsEnum, false, false, false, column.HasPlainCollation);
        return right.Type is { } type && ValueOrders.For(description) is { } order && CommonType(left, type) is { } common
            ? new ColumnOrder(column, order, @operator, Cast(right, common, isArray: false))
            : null;
    }

    /// <returns>Null where a null's token may stand for another value, or something else for null.</returns>
    public static PolicyNode? IsNull(ColumnOperand operand) =>
        operand.Cast is null && EqualityRules.For(operand.Column.BaseTypeName, operand.Column.IsEnum) is not null
            ? new ColumnNull(operand.Column, IsNegated: false)
            : null;

    // Operators between types exist, a date with a timestamp among them, and mean more than one of the two cast to the other. Integers compare as
    // numbers whatever their width; a cast to a narrower one may fail and is left alone.
    private static string? CommonType(ColumnOperand left, string type)
    {
        var (column, compared) = (left.Column.Type, left.Cast ?? left.Column.Type);
        if (compared == column && type == column)
        {
            return column;
        }

        var width = Array.IndexOf(_integers, column);
        return width >= 0 && Array.IndexOf(_integers, compared) >= width && Array.IndexOf(_integers, type) >= 0 ? "bigint" : null;
    }

    private static string Cast(ValueOperand value, string type, bool isArray) => $"({value.Sql})::{type}{(isArray ? "[]" : "")}";

    private static string? ElementOf(string? type) => type is not null && type.EndsWith("[]", StringComparison.Ordinal) ? type[..^2] : null;

    // What these types' values look like as text is what they look like in JSON, but for a number's missing quotes.
    private static bool HasTokenForText(PolicyColumn column) => column.IsEnum || column.BaseTypeName is "varchar" or "uuid" or "int2" or "int4" or "int8";
}
