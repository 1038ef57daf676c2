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
    IReadOnlyList<ColumnDescription> Columns);

/// <param name="Type">The SQL name, fit for a cast, of the type beneath all domains.</param>
/// <param name="BaseTypeName"><c>typname</c> of that type.</param>
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
    bool HasPlainCollation);
