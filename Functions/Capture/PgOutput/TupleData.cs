namespace Serverless.Capture.PgOutput;

internal enum FieldKind
{
    Null,

    /// <summary>A TOASTed value that the update left alone: the log does not carry it.</summary>
    Unchanged,

    Text,
}

/// <summary>One column's value. It lives in the message's buffer, until the next message is read.</summary>
internal readonly record struct Field(FieldKind Kind, ReadOnlyMemory<byte> Text);

/// <summary>A row of one message. Filled anew for every message; nothing may keep it.</summary>
internal sealed class TupleData
{
    private Field[] _fields = new Field[16];

    public int Count { get; private set; }

    public ref Field this[int ordinal] => ref _fields[ordinal];

    /// <exception cref="FormatException">The row has another number of columns, or a value is not in text form.</exception>
    public void Read(ref PgOutputReader reader, int columns)
    {
        Count = reader.ReadInt16();
        if (Count != columns)
        {
            throw new FormatException($"A streamed row has {Count} columns where its relation message announced {columns}.");
        }

        if (_fields.Length < Count)
        {
            _fields = new Field[Count];
        }

        for (var i = 0; i < Count; i++)
        {
            _fields[i] = ReadField(ref reader);
        }
    }

    private static Field ReadField(ref PgOutputReader reader)
    {
        var kind = reader.ReadByte();
        return kind switch
        {
            (byte)'t' => new Field(FieldKind.Text, reader.ReadBytes(reader.ReadInt32())),
            (byte)'n' => new Field(FieldKind.Null, default),
            (byte)'u' => new Field(FieldKind.Unchanged, default),
            _ => throw new FormatException($"A streamed value is of kind '{(char)kind}'; expected text ('t'), null ('n') or unchanged ('u')."),
        };
    }
}
