namespace Serverless.Changes;

/// <summary>What PostgreSQL writes to the log of a row that is updated or deleted (<c>pg_class.relreplident</c>).</summary>
internal enum ReplicaIdentity
{
    /// <summary>The primary key.</summary>
    Default,

    /// <summary>Nothing.</summary>
    Nothing,

    /// <summary>The whole old row.</summary>
    Full,

    /// <summary>The columns of a chosen unique index.</summary>
    Index,
}

/// <summary>A column as the replication stream describes it.</summary>
/// <param name="Name">Its name, unquoted.</param>
/// <param name="TypeOid">Its type's oid in this database.</param>
/// <param name="TypeName"><c>pg_type.typname</c>, such as <c>int8</c>, <c>timestamptz</c> or <c>_text</c> for an array of text.</param>
/// <param name="IsKey">Whether it belongs to the key that identifies a row in the stream; under replica identity FULL or NOTHING, to the primary key.</param>
internal sealed record Column(string Name, uint TypeOid, string TypeName, bool IsKey)
{
    /// <summary>Whether it belongs to the primary key.</summary>
    public bool IsPrimary { get; init; } = IsKey;

    /// <summary>
    /// <c>pg_attribute.attnum</c>, by which the column is known whatever it is called; 0 where the table was altered so that it cannot be told any more,
    /// null where whoever made the description knows names only.
    /// </summary>
    public int? Number { get; init; }
}

/// <summary>A published table as the stream described it just before the changes that refer to it.</summary>
internal sealed class Relation(
    uint oid,
    string schema,
    string name,
    ReplicaIdentity identity,
    IReadOnlyList<Column> columns,
    IReadOnlyList<string> unstreamedColumns)
{
    private readonly Dictionary<string, int> _ordinals = BuildOrdinals(columns);

    public uint Oid { get; } = oid;

    public string Schema { get; } = schema;

    public string Name { get; } = name;

    public ReplicaIdentity Identity { get; } = identity;

    /// <summary>The streamed columns, in the stream's order.</summary>
    public IReadOnlyList<Column> Columns { get; } = columns;

    /// <summary>Columns that the table has and its images never carry: generated ones, and those outside a publication's column list.</summary>
    public IReadOnlyList<string> UnstreamedColumns { get; } = unstreamedColumns;

    /// <summary>Whether the table was altered, between the change and its description, so that columns' names may mean others by now.</summary>
    public bool IsOutdated => Columns.Any(column => column.Number == 0);

    /// <summary>The column's place in <see cref="Columns"/>, or -1.</summary>
    public int OrdinalOf(string column) => _ordinals.TryGetValue(column, out var ordinal) ? ordinal : -1;

    public override string ToString() => $"{Schema}.{Name}";

    private static Dictionary<string, int> BuildOrdinals(IReadOnlyList<Column> columns)
    {
        var ordinals = new Dictionary<string, int>(columns.Count, StringComparer.Ordinal);
        for (var i = 0; i < columns.Count; i++)
        {
            ordinals[columns[i].Name] = i;
        }

        return ordinals;
    }
}
