using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Serverless.Changes;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Writes changes as clients receive them: Supabase's shapes, with the position added. docs/protocol.md has an example.</summary>
/// <remarks>A change is encoded once for all groups of a batch. Safe for several threads; two of them at worst encode the same change twice.</remarks>
internal sealed class ChangeEncoder(int maxChangeBytes)
{
    /// <summary>Of a row that is too large, values up to this many bytes are still sent, as Supabase does.</summary>
    private const int KeptValueBytes = 64;

    private static readonly JsonWriterOptions _options = new()
    {
        SkipValidation = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly ConcurrentDictionary<object, byte[]> _encoded = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentDictionary<object, byte[]> _heads = new(ReferenceEqualityComparer.Instance);

    /// <summary>One element of <c>changes</c>.</summary>
    public byte[] Encode(RowChange change)
    {
        if (_encoded.TryGetValue(change, out var known))
        {
            return known;
        }

        var encoded = Write(change, whole: true);
        if (encoded.Length > maxChangeBytes)
        {
            encoded = Write(change, whole: false);
        }

        _encoded[change] = encoded;
        return encoded;
    }

    /// <summary>The members <c>schema</c>, <c>table</c> and <c>columns</c>, without the braces around them.</summary>
    public byte[] EncodeTable(Relation relation)
    {
        if (_heads.TryGetValue(relation, out var known))
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
            foreach (var column in relation.Columns)
            {
                writer.WriteStartObject();
                writer.WriteString("name"u8, column.Name);
                writer.WriteString("type"u8, column.TypeName);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        var head = output.WrittenSpan[1..^1].ToArray();
        _heads[relation] = head;
        return head;
    }

    private static byte[] Write(RowChange change, bool whole)
    {
        var output = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(output, _options))
        {
            writer.WriteStartObject();
            writer.WriteString("position"u8, change.Position.ToString());
            writer.WriteString("type"u8, change.Kind.Name());
            writer.WriteString("commit_timestamp"u8, change.CommittedAt.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            WriteImage(writer, "record"u8, change.New, whole);
            WriteImage(writer, "old_record"u8, change.Old, whole);
            writer.WritePropertyName("errors"u8);
            if (whole)
            {
                writer.WriteNullValue();
            }
            else
            {
                writer.WriteStartArray();
                writer.WriteStringValue("Error 413: Payload Too Large"u8);
                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }

    private static void WriteImage(Utf8JsonWriter writer, ReadOnlySpan<byte> name, RowImage? image, bool whole)
    {
        if (image is null)
        {
            return;
        }

        writer.WritePropertyName(name);
        if (whole)
        {
            writer.WriteRawValue(image.Json.Span, skipInputValidation: true);
            return;
        }

        writer.WriteStartObject();
        for (var i = 0; i < image.Relation.Columns.Count; i++)
        {
            if (image.Has(i) && image.ValueOf(i) is { Length: <= KeptValueBytes } value)
            {
                writer.WritePropertyName(image.Relation.Columns[i].Name);
                writer.WriteRawValue(value, skipInputValidation: true);
            }
        }

        writer.WriteEndObject();
    }
}
