namespace Serverless.Subscriptions.Policies.Reduction;

/// <summary>The names that a policy's expression may use and still be taken apart.</summary>
/// <param name="Table">The table's name without its schema, as it stands before columns.</param>
/// <param name="Functions">The functions in <c>auth</c> that read claims and nothing else, with the types they return.</param>
/// <param name="Casts">The casts whose result never changes.</param>
internal sealed record PolicyScope(string Table, IReadOnlyDictionary<string, PolicyColumn> Columns, IReadOnlyDictionary<string, string> Functions, FixedCasts Casts);
