using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Serverless.Changes;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Writes changes as clients receive them: Supabase's shapes, with the position added. docs/protocol.md has an example.</summary>
/// <remarks>A change is encoded once for all groups of a batch that receive it in the same shape. Safe for several threads; two of them at worst encode the same twice.</remarks>
internal sealed class ChangeEncoder(int maxChangeBytes)
{
    /// <summary>Of a row that is too large, values up to this many bytes are still sent, as Supabase does.</summary>
    private const int KeptValueBytes = 64;

    private static readonly JsonWriterOptions _options = new()
    {
        SkipValidation = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly ConcurrentDictionary<(ReferenceTo<RowChange> Change, ChangeShape Shape), byte[]> _encoded = new();
    private readonly ConcurrentDictionary<(ReferenceTo<Relation> Relation, ColumnMask Columns), byte[]> _heads = new();

    /// <summary>One element of <c>changes</c>.</summary>
    public byte[] Encode(ShapedChange shaped)
    {
        var key = (new ReferenceTo<RowChange>(shaped.Change), shaped.Shape);
        if (_encoded.TryGetValue(key, out var known))
        {
            return known;
        }

        var encoded = Write(shaped.Change, shaped.Shape, int.MaxValue);
        if (encoded.Length > maxChangeBytes)
        {
            encoded = Write(shaped.Change, shaped.Shape, KeptValueBytes);
        }

        _encoded[key] = encoded;
        return encoded;
    }

    /// <summary>This encoder, but that it knows one change by its small values only.</summary>
    public ChangeEncoder Reduced(ShapedChange shaped)
    {
        var reduced = new ChangeEncoder(maxChangeBytes);
        reduced._encoded[(new ReferenceTo<RowChange>(shaped.Change), shaped.Shape)] = Write(shaped.Change, shaped.Shape, KeptValueBytes);
        return reduced;
    }

    /// <summary>The members <c>schema</c>, <c>table</c> and <c>columns</c>, without the braces around them.</summary>
    public byte[] EncodeTable(Relation relation, ColumnMask columns)
    {
        var key = (new ReferenceTo<Relation>(relation), columns);
        if (_heads.TryGetValue(key, out var known))
        {
            return known;
        }

        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, _options))
        {
            writer.WriteStartObject();
            writer.WriteString("schema"u8, relation.Schema);
            writer.WriteString("table"u8, relation.Name);
            writer.WriteStartArray("columns"u8);
            for (var i = 0; i < relation.Columns.Count; i++)
            {
                if (columns[i])
                {
                    writer.WriteStartObject();
                    writer.WriteString("name"u8, relation.Columns[i].Name);
                    writer.WriteString("type"u8, relation.Columns[i].TypeName);
                    writer.WriteEndObject();
                }
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        var head = output.WrittenSpan[1..^1].ToArray();
        _heads[key] = head;
        return head;
    }

    private static byte[] Write(RowChange change, ChangeShape shape, int largestValue)
    {
        var output = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(output, _options))
        {
            writer.WriteStartObject();
            writer.WriteString("position"u8, change.Position.ToString());
            writer.WriteString("type"u8, (shape.HasLeft ? ChangeKind.Delete : change.Kind).Name());
            writer.WriteString("commit_timestamp"u8, change.CommittedAt.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            if (shape.HasLeft)
            {
                writer.WriteBoolean("left"u8, true);
            }

            if (shape.Error == RowError.None)
            {
                WriteImages(writer, change, shape, largestValue);
            }

            WriteErrors(writer, shape.Error, isTooLarge: largestValue != int.MaxValue);
            writer.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }

    private static void WriteImages(Utf8JsonWriter writer, RowChange change, ChangeShape shape, int largestValue)
    {
        if (change.New is { } added && !shape.HasLeft)
        {
            WriteImage(writer, "record"u8, added, shape.Columns, keyOnly: false, largestValue);
        }

        if (change.Old is { } old && shape.Old != OldRecord.Absent)
        {
            WriteImage(writer, "old_record"u8, old, shape.Columns, shape.Old == OldRecord.Key, largestValue);
        }
    }

    private static void WriteImage(
        Utf8JsonWriter writer, ReadOnlySpan<byte> name, RowImage image, ColumnMask columns, bool keyOnly, int largestValue)
    {
        writer.WritePropertyName(name);
        if (columns.IsAll && !keyOnly && largestValue == int.MaxValue)
        {
            writer.WriteRawValue(image.Json.Span, skipInputValidation: true);
            return;
        }

        writer.WriteStartObject();
        for (var i = 0; i < image.Relation.Columns.Count; i++)
        {
            var column = image.Relation.Columns[i];
            if (columns[i] && (!keyOnly || column.IsKey) && image.Has(i) && image.ValueOf(i).Length <= largestValue)
            {
                writer.WritePropertyName(column.Name);
                writer.WriteRawValue(image.ValueOf(i), skipInputValidation: true);
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteErrors(Utf8JsonWriter writer, RowError error, bool isTooLarge)
    {
        writer.WritePropertyName("errors"u8);
        var text = error switch
        {
            RowError.NoPrimaryKey => "Error 400: Bad Request, no primary key",
            RowError.NoPrivilege => "Error 401: Unauthorized",
            _ when isTooLarge => "Error 413: Payload Too Large",
            _ => null,
        };
        if (text is null)
        {
            writer.WriteNullValue();
            return;
        }

        writer.WriteStartArray();
        writer.WriteStringValue(text);
        writer.WriteEndArray();
    }

    /// <summary>Compares by identity: changes are records, whose own equality reads every member.</summary>
    private readonly struct ReferenceTo<T>(T target) : IEquatable<ReferenceTo<T>>
        where T : class
    {
        private readonly T _target = target;

        public bool Equals(ReferenceTo<T> other) => ReferenceEquals(_target, other._target);

        public override bool Equals(object? obj) => obj is ReferenceTo<T> other && Equals(other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(_target);
    }
}
