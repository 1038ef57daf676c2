using Serverless.Subscriptions.Policies.Reduction;

namespace Serverless.Subscriptions.Policies;

/// <summary>How a role's view of a table's rows is decided.</summary>
internal enum PolicyKind
{
    /// <summary>Every row: row-level security is off, or does not bind the role.</summary>
    Open,

    /// <summary>No row: the role may not select from the table, or no policy lets it see anything.</summary>
    Closed,

    /// <summary>The rows for which the policies' expression is true.</summary>
    Judged,
}

/// <summary>What a role may see of a table, as the catalogs had it in one moment.</summary>
/// <param name="Sql">What must be true of a row: <c>(p1 or p2) and (r1) and (r2)</c>, all names qualified. Empty unless judged. Never shown to subscribers.</param>
/// <param name="Columns">The table's columns that the policies read; all of them where a policy takes the row as a whole.</param>
/// <param name="JsonColumns">Those of them whose null may have been SQL's or JSON's: the log's images do not tell.</param>
/// <param name="Reduced">The same condition as comparisons of columns with claims, as far as it could be reduced; null unless judged.</param>
/// <param name="ReadsOtherTables">Whether something besides the row and the claims decides: other tables, or functions that may read them.</param>
/// <param name="HasSelect">Whether the role may select any column at all.</param>
/// <param name="ReadableColumns">The columns that the role may select; null for all.</param>
/// <param name="Fingerprint">Changes with whatever this was made from; see <see cref="PolicyFingerprint"/>.</param>
internal sealed record TablePolicy(
    uint Table,
    string Schema,
    string Name,
    string Role,
    PolicyKind Kind,
    string Sql,
    IReadOnlyList<string> Columns,
    IReadOnlyList<string> JsonColumns,
    IReadOnlyList<PolicyColumn> AllColumns,
    PolicyNode? Reduced,
    bool ReadsOtherTables,
    bool HasSelect,
    IReadOnlyList<string>? ReadableColumns,
    string Fingerprint)
{
    /// <summary>Whether claims, once bound, decide every row in memory.</summary>
    public bool IsReducible => Reduced is not null && !Reduced.HasOpaque;

    /// <summary>Whether at least a part could be reduced, so that binding leaves fewer rows to ask about.</summary>
    public bool IsPartlyReducible => Reduced is not null and not Opaque;

    // A record prints its members, and a policy's text is its owner's.
    public override string ToString() => $"{Schema}.{Name} for {Role}: {Kind}";
}

/// <param name="Type">The SQL name, qualified, of the type beneath all domains.</param>
/// <param name="BaseTypeName"><c>typname</c> of that type where it is PostgreSQL's own; otherwise its qualified name.</param>
/// <param name="IsDomain">Whether there are any.</param>
/// <param name="HasPlainCollation">False where the collation finds different texts equal.</param>
internal sealed record PolicyColumn(string Name, string Type, string BaseTypeName, bool IsEnum, bool IsDomain, bool HasPlainCollation);
