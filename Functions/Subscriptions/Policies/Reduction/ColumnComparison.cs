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
        if (!column.HasPlainCollation || EqualityRules.For(column.BaseTypeName, column.IsEnum) is null || right.Type is not { } type)
        {
            return null;
        }

        if (isArray)
        {
            if (!type.EndsWith("[]", StringComparison.Ordinal))
            {
                return null;
            }

            type = type[..^2];
        }

        // Operators between types exist, a date with a timestamp among them, and mean more than one of the two cast to the other.
        var compared = left.Cast ?? column.Type;
        var isText = compared == "text" && column.Type != "text";
        var cast = compared == column.Type && type == column.Type ? column.Type
            : _integers.Contains(column.Type) && _integers.Contains(compared) && _integers.Contains(type) ? "bigint"
            : isText && type == "text" && HasTokenForText(column) ? "text"
            : null;
        if (cast is null || (left.Cast is not null && _integers.Contains(compared) && Array.IndexOf(_integers, compared) < Array.IndexOf(_integers, column.Type)))
        {
            return null;
        }

        return new ColumnEquals(column, $"({right.Sql})::{cast}{(isArray ? "[]" : "")}", isArray, isText && column.BaseTypeName is "int2" or "int4" or "int8", IsNegated: false);
    }

    // What these types' values look like as text is what they look like in JSON, but for a number's missing quotes.
    private static bool HasTokenForText(PolicyColumn column) => column.IsEnum || column.BaseTypeName is "varchar" or "uuid" or "int2" or "int4" or "int8";
}
