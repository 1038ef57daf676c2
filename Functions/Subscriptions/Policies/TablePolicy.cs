using Serverless.Changes;
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

    /// <summary>Functions that read claims and nothing else, each as <c>pg_proc</c>'s oid and xmin: whoever calls only these is known not to keep a subscriber's claims.</summary>
    public IReadOnlyList<string> ClaimFunctions { get; init; } = [];

    /// <summary>Columns that the policies read and whose values cannot be made again of an image.</summary>
    public IReadOnlyList<string> UnfitColumns { get; } = [.. AllColumns.Where(column => !column.IsRebuilt && Columns.Contains(column.Name)).Select(column => column.Name)];

    /// <summary>Whether what is read of the table means, in images that were described so, the same columns: false where the table was altered while they were under way.</summary>
    public bool Fits(Relation relation)
    {
        List<string> read = [.. Columns.Union(ReadableColumns ?? [])];
        if (read.Count == 0)
        {
            return true;
        }

        var numbers = AllColumns.ToDictionary(column => column.Name, column => column.Number, StringComparer.Ordinal);
        return !relation.IsOutdated
            && read.TrueForAll(name => relation.OrdinalOf(name) is var ordinal
                && (ordinal < 0 || relation.Columns[ordinal].Number is not { } number || number == numbers.GetValueOrDefault(name)))
            && (Columns.All(name => relation.OrdinalOf(name) >= 0 || relation.UnstreamedColumns.Contains(name))
                || relation.Columns.All(column => column.Number is null));
    }

    // A record prints its members, and a policy's text is its owner's.
    public override string ToString() => $"{Schema}.{Name} for {Role}: {Kind}";
}

/// <param name="Type">The SQL name, qualified, of the type beneath all domains.</param>
/// <param name="BaseTypeName"><c>typname</c> of that type where it is PostgreSQL's own; otherwise its qualified name.</param>
/// <param name="IsDomain">Whether there are any.</param>
/// <param name="HasPlainCollation">False where the collation finds different texts equal.</param>
internal sealed record PolicyColumn(string Name, string Type, string BaseTypeName, bool IsEnum, bool IsDomain, bool HasPlainCollation)
{
    /// <summary><c>pg_attribute.attnum</c>; 0 where it is not known.</summary>
    public int Number { get; init; }

    /// <summary>
    /// Whether a value can be made again of its JSON. Not of types with a cast to json of their own (hstore), of those whose text means what the catalog says at the moment
    /// (regclass), and of composite types, whose attributes may have been renamed since; nor of what is made of them.
    /// </summary>
    public bool IsRebuilt { get; init; } = true;
}
