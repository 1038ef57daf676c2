using System.Text;
using Npgsql;
using NpgsqlTypes;
using Serverless.Capture.PgOutput;

namespace Serverless.Capture.Values;

/// <summary>
/// Has the server convert the columns whose json only a function there knows: types of extensions with a cast to json, such as hstore.
/// One round trip a row for all of them.
/// </summary>
internal sealed class ServerConversion(NpgsqlConnection connection, IReadOnlyList<int> ordinals, string query)
{
    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Replaces the text of those columns in the row by their JSON.</summary>
    public async Task ConvertAsync(TupleData row, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(query, connection);
        foreach (var ordinal in ordinals)
        {
            object value = row[ordinal] is { Kind: FieldKind.Text } field ? _utf8.GetString(field.Text.Span) : DBNull.Value;
            command.Parameters.Add(new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlDbType.Text });
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        for (var i = 0; i < ordinals.Count; i++)
        {
            if (row[ordinals[i]].Kind == FieldKind.Text)
            {
                row[ordinals[i]] = new Field(FieldKind.Text, _utf8.GetBytes(reader.GetString(i)));
            }
        }
    }
}

/// <summary>Collects a table's columns for one <see cref="ServerConversion"/>.</summary>
internal sealed class ServerConversionBuilder
{
    private readonly List<int> _ordinals = [];
    private readonly List<string> _expressions = [];

    /// <summary>Adds a column; its converted value is written as it comes back.</summary>
    public ValueWriter Add(int ordinal, TypeDescription type)
    {
        _ordinals.Add(ordinal);
        _expressions.Add($"to_jsonb(${_ordinals.Count}::text::{type.SqlName})::text");
        return VerbatimWriter.Instance;
    }

    public ServerConversion? Build(NpgsqlConnection connection) =>
        _ordinals.Count > 0 ? new ServerConversion(connection, _ordinals, $"select {string.Join(", ", _expressions)}") : null;
}
