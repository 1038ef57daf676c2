using Serverless.Capture.Values;
using Serverless.Changes;

namespace Serverless.Capture.PgOutput;

/// <summary>A table of the stream with what it takes to write its rows.</summary>
/// <param name="Announced">What the relation message said, to look things up again when a type turns out to have changed.</param>
/// <param name="Relation">The table as changes refer to it.</param>
/// <param name="Partition">The bus partition that its changes go to.</param>
/// <param name="Columns">How each column is written, in the relation's order.</param>
/// <param name="ServerConversion">Converts the columns that only the server can; null where there is none.</param>
internal sealed record StreamedRelation(
    RelationMessage Announced,
    Relation Relation,
    int Partition,
    IReadOnlyList<ColumnWriter> Columns,
    ServerConversion? ServerConversion)
{
    /// <summary>Whether the table is our own. A change log in a publication FOR ALL TABLES would feed itself forever.</summary>
    public bool IsOurs => Relation.Schema == "serverless_realtime";

    public bool HasKey { get; } = Relation.Columns.Any(column => column.IsKey);
}

/// <param name="Prefix">The member's name as it stands in the object: <c>"name":</c>.</param>
internal sealed record ColumnWriter(byte[] Prefix, bool IsKey, ValueWriter Value);
