namespace Serverless.Subscriptions.Filters;

/// <summary>What a condition asks of a column.</summary>
internal enum FilterOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Like,
    ILike,
    Is,
    Match,
    IMatch,
    IsDistinct,
}

internal static class FilterOperators
{
    /// <summary>All operators as filters write them, for messages.</summary>
    public const string Known = "eq, neq, lt, lte, gt, gte, in, like, ilike, is, match, imatch, isdistinct";

    public static FilterOperator? Parse(string name) => name switch
    {
        "eq" => FilterOperator.Equal,
        "neq" => FilterOperator.NotEqual,
        "lt" => FilterOperator.Less,
        "lte" => FilterOperator.LessOrEqual,
        "gt" => FilterOperator.Greater,
        "gte" => FilterOperator.GreaterOrEqual,
        "in" => FilterOperator.In,
        "like" => FilterOperator.Like,
        "ilike" => FilterOperator.ILike,
        "is" => FilterOperator.Is,
        "match" => FilterOperator.Match,
        "imatch" => FilterOperator.IMatch,
        "isdistinct" => FilterOperator.IsDistinct,
        _ => null,
    };

    /// <summary>The name of the operator in PostgreSQL that decides the condition. <c>is</c> is syntax there and has none.</summary>
    public static string SqlName(this FilterOperator @operator) => @operator switch
    {
        FilterOperator.NotEqual => "<>",
        FilterOperator.Less => "<",
        FilterOperator.LessOrEqual => "<=",
        FilterOperator.Greater => ">",
        FilterOperator.GreaterOrEqual => ">=",
        FilterOperator.Like => "~~",
        FilterOperator.ILike => "~~*",
        FilterOperator.Match => "~",
        FilterOperator.IMatch => "~*",
        FilterOperator.Is => throw new InvalidOperationException("'is' has no operator in PostgreSQL."),
        _ => "=",
    };
}
