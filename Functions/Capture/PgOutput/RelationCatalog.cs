using Npgsql;
using NpgsqlTypes;
using Serverless.Capture.Values;
using Serverless.Changes;

namespace Serverless.Capture.PgOutput;

/// <summary>
/// Completes what the stream says of a table with what only the catalog knows: the key under FULL, columns left out, how types are written.
/// </summary>
/// <remarks>
/// The stream tells a past, the catalog the present. A table or type that is gone by now has no key, no unstreamed columns,
/// and values written as their text; a later relation message follows every later change of the table.
/// </remarks>
internal sealed class RelationCatalog(NpgsqlConnection connection, TypeCatalog types, int partitionCount)
{
    private const string ColumnsQuery = """
        select a.attname, coalesce(a.attnum = any(i.indkey), false)
        from pg_attribute a
        left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
        where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
        order by a.attnum
        """;

    public async Task<StreamedRelation> DescribeAsync(RelationMessage message, CancellationToken cancellationToken)
    {
        var present = await ReadColumnsAsync(message.Oid, cancellationToken);
        var columns = new Column[message.Columns.Count];
        var writers = new ColumnWriter[columns.Length];
        var conversion = new ServerConversionBuilder();
        for (var i = 0; i < columns.Length; i++)
        {
            var (name, typeOid, isKey) = message.Columns[i];
            var type = await types.FindAsync(typeOid, cancellationToken);
            columns[i] = new Column(name, typeOid, type.Name, message.Identity is ReplicaIdentity.Full or ReplicaIdentity.Nothing ? present.GetValueOrDefault(name) : isKey);
            writers[i] = new ColumnWriter([.. JsonText.Encode(name), (byte)':'], columns[i].IsKey, type.Writer ?? conversion.Add(i, type));
        }

        var unstreamed = present.Keys.Except(message.Columns.Select(column => column.Name)).ToList();
        var relation = new Relation(message.Oid, message.Schema, message.Name, message.Identity, columns, unstreamed);
        return new StreamedRelation(message, relation, TablePartition.Of(relation, partitionCount), writers, conversion.Build(connection));
    }

    /// <summary>The table's present columns, and whether each belongs to the primary key.</summary>
    private async Task<OrderedDictionary<string, bool>> ReadColumnsAsync(uint oid, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ColumnsQuery, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = oid, NpgsqlDbType = NpgsqlDbType.Oid });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var columns = new OrderedDictionary<string, bool>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            columns[reader.GetString(0)] = reader.GetBoolean(1);
        }

        return columns;
    }
}
