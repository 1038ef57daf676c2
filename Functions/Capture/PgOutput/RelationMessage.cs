using Serverless.Changes;

namespace Serverless.Capture.PgOutput;

/// <summary>A table's description in the stream. It comes before the first change of a table, and again after DDL on it.</summary>
internal sealed record RelationMessage(uint Oid, string Schema, string Name, ReplicaIdentity Identity, IReadOnlyList<AnnouncedColumn> Columns)
{
    private const byte KeyFlag = 1;

    public static RelationMessage Read(ref PgOutputReader reader)
    {
        var oid = reader.ReadUInt32();
        var schema = reader.ReadString();
        var name = reader.ReadString();
        var identity = ReadIdentity(reader.ReadByte());
        var columns = new AnnouncedColumn[reader.ReadInt16()];
        for (var i = 0; i < columns.Length; i++)
        {
            var isKey = (reader.ReadByte() & KeyFlag) != 0;
            columns[i] = new AnnouncedColumn(reader.ReadString(), reader.ReadUInt32(), isKey);
            _ = reader.ReadInt32();
        }

        // The stream leaves the system catalog's name out.
        return new RelationMessage(oid, schema.Length > 0 ? schema : "pg_catalog", name, identity, columns);
    }

    private static ReplicaIdentity ReadIdentity(byte code) => code switch
    {
        (byte)'d' => ReplicaIdentity.Default,
        (byte)'n' => ReplicaIdentity.Nothing,
        (byte)'f' => ReplicaIdentity.Full,
        (byte)'i' => ReplicaIdentity.Index,
        _ => throw new FormatException($"A relation message has replica identity '{(char)code}'; expected one of d, n, f, i."),
    };
}

/// <param name="IsKey">The stream's flag. Under replica identity FULL it is set for every column.</param>
internal sealed record AnnouncedColumn(string Name, uint TypeOid, bool IsKey);
