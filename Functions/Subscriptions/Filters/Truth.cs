namespace Serverless.Subscriptions.Filters;

/// <summary>What a predicate says of a row image: SQL's three values, and one more for what only PostgreSQL can tell.</summary>
internal enum Truth
{
    False,
    True,

    /// <summary>SQL's null: neither true nor false, and not enough to be selected.</summary>
    Unknown,

    /// <summary>Not decided in memory: a type, collation or operator that only PostgreSQL compares.</summary>
    Ask,
}
