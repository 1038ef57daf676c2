namespace Serverless.Subscriptions.Filters;

/// <summary>Something about one column's value that an index can look up.</summary>
internal abstract record IndexKey(string Column);

/// <summary>The value is equal to a token, normalized by the rule.</summary>
internal sealed record EqualKey(string Column, EqualityRule Rule, byte[] Token) : IndexKey(Column);

/// <summary>The value lies between two bounds in its type's order. At least one bound is there.</summary>
internal sealed record RangeKey(string Column, ValueOrder Order, RangeBound? Low, RangeBound? High) : IndexKey(Column);

internal sealed record RangeBound(ValueKey Value, bool IsInclusive);
