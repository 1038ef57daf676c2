namespace Serverless.Subscriptions.Filters;

/// <summary>One condition of a filter as it was written: <c>column=operator.value</c>, the value unquoted.</summary>
internal readonly record struct FilterCondition(string Column, string Operator, string Value);
