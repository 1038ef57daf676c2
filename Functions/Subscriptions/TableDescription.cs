using Serverless.Changes;

namespace Serverless.Subscriptions;

/// <summary>What a role may know of a table before it subscribes.</summary>
/// <param name="IsPublished">Whether the publication carries it.</param>
/// <param name="HasRowLevelSecurity">Whether row-level security is enabled.</param>
/// <param name="HasFullIdentity">Whether old rows are whole in the log.</param>
internal sealed record TableDescription(
    string Schema,
    string Name,
    bool IsPublished,
    bool HasRowLevelSecurity,
    bool HasFullIdentity,
    bool RoleMaySelect,
    IReadOnlyList<ColumnDescription> Columns)
{
    public uint Oid { get; init; }

    /// <summary>The kinds of change that the publication leaves out.</summary>
    public IReadOnlyList<ChangeKind> Unpublished { get; init; } = [];

    /// <summary>Whether the publication carries only rows that fit a condition of its own.</summary>
    public bool HasRowFilter { get; init; }

    /// <summary>Whether it is partitioned and the publication carries its partitions' changes, under their own names.</summary>
    public bool PartitionsArePublished { get; init; }

    /// <summary>The table that this one is a partition of and under whose name the publication carries its changes, as SQL writes it; null where there is none.</summary>
    public string? PublishedAncestor { get; init; }

    /// <summary>The tables that inherit from it and are no partitions, as SQL writes them; empty texts for those that the role may not read.</summary>
    public IReadOnlyList<string> Heirs { get; init; } = [];

    /// <summary>Of a partitioned table, the partitions that do not log whole old rows: quoted, with their schemas, at most 100.</summary>
    public IReadOnlyList<string> PartitionsWithKeys { get; init; } = [];

    /// <summary>Whether the database's encoding is UTF-8, so that its characters and their bytes are those of the images.</summary>
    public bool IsUtf8 { get; init; } = true;
}

/// <param name="Type">The SQL name, fit for a cast, of the type beneath all domains.</param>
/// <param name="BaseTypeName"><c>typname</c> of that type where it is one of PostgreSQL's own; otherwise its quoted name with its schema, which no built-in type has.</param>
/// <param name="IsKey">Whether it belongs to the key that identifies an old row in the log.</param>
/// <param name="IsToastable">Whether a large value may be left out of an update's image.</param>
/// <param name="HasPlainCollation">False where the collation finds different texts equal.</param>
internal sealed record ColumnDescription(
    string Name,
    string Type,
    string BaseTypeName,
    bool IsEnum,
    bool IsKey,
    bool IsGenerated,
    bool IsToastable,
    bool HasPlainCollation)
{
    /// <summary>Stands for the names of columns that the role may not read.</summary>
    public const string Unreadable = "a column that you may not read";

    /// <summary>Whether it belongs to the primary key.</summary>
    public bool IsPrimary { get; init; } = IsKey;

    /// <summary>The declared type, a domain perhaps.</summary>
    public uint TypeOid { get; init; }

    /// <summary>The collation in which the column's values are compared; 0 where the type has none.</summary>
    public uint CollationOid { get; init; }

    /// <summary>The same type as <c>Type</c>, quoted and with its schema: it means the same under every search path.</summary>
    public string SqlType { get; init; } = Type;

    /// <summary><c>pg_type.typcategory</c> of the type beneath all domains: <c>S</c> for strings, <c>C</c> for composites.</summary>
    public char Category { get; init; } = 'U';

    /// <summary>The collation, quoted and with its schema; null where the type has none.</summary>
    public string? Collation { get; init; }

    /// <summary>Whether the collation orders texts by their bytes in UTF-8.</summary>
    public bool IsByteOrdered { get; init; }

    /// <summary>Whether the publication carries the column: false for one that its column list leaves out.</summary>
    public bool IsStreamed { get; init; } = true;

    /// <summary>Whether the role may read the column, by a grant on it or on the table.</summary>
    public bool RoleMaySelect { get; init; } = true;
}
