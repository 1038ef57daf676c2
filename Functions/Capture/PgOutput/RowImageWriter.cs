using System.Buffers;
using Serverless.Changes;

namespace Serverless.Capture.PgOutput;

/// <summary>Writes streamed rows as images. One a session: it keeps its buffer.</summary>
internal sealed class RowImageWriter(Values.TypeCatalog types)
{
    private const int KeptCapacity = 1 << 20;

    private readonly List<string> _inexact = [];
    private ArrayBufferWriter<byte> _output = new(4096);

    /// <summary>The whole row. A value that the log did not carry is taken from the old row, where that has it; otherwise it is absent.</summary>
    /// <param name="oldIsKeyOnly">Whether <paramref name="old"/> carries its key columns only.</param>
    public RowImage WriteRow(StreamedRelation relation, TupleData row, TupleData? old = null, bool oldIsKeyOnly = false)
    {
        Begin();
        for (var i = 0; i < row.Count; i++)
        {
            var useOld = row[i].Kind == FieldKind.Unchanged && old is not null && (!oldIsKeyOnly || relation.Columns[i].IsKey);
            WriteColumn(relation, i, useOld ? old![i] : row[i]);
        }

        return End(relation);
    }

    /// <summary>The key columns alone: a key-only row of the stream has nulls in the others, which are not their values.</summary>
    public RowImage? WriteKey(StreamedRelation relation, TupleData row)
    {
        if (!relation.HasKey)
        {
            return null;
        }

        Begin();
        for (var i = 0; i < row.Count; i++)
        {
            if (relation.Columns[i].IsKey)
            {
                WriteColumn(relation, i, row[i]);
            }
        }

        return End(relation);
    }

    private void Begin()
    {
        // One huge row must not hold its size in memory for the rest of the session.
        if (_output.Capacity > KeptCapacity)
        {
            _output = new ArrayBufferWriter<byte>(4096);
        }

        _output.ResetWrittenCount();
        _output.Write("{"u8);
    }

    private void WriteColumn(StreamedRelation relation, int ordinal, Field field)
    {
        var column = relation.Columns[ordinal];
        if (field.Kind == FieldKind.Unchanged)
        {
            return;
        }

        if (_output.WrittenCount > 1)
        {
            _output.Write(","u8);
        }

        _output.Write(column.Prefix);
        if (field.Kind == FieldKind.Null)
        {
            _output.Write("null"u8);
        }
        else
        {
            column.Value.Write(_output, field.Text.Span);
            if (types.TakeInexact())
            {
                _inexact.Add(relation.Relation.Columns[ordinal].Name);
            }
        }
    }

    private RowImage End(StreamedRelation relation)
    {
        _output.Write("}"u8);
        var image = new RowImage(relation.Relation, _output.WrittenSpan.ToArray()) { Inexact = _inexact.Count == 0 ? [] : [.. _inexact] };
        _inexact.Clear();
        return image;
    }
}
