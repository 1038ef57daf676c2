using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Serverless.Presence;

/// <summary>Writes members as Supabase's clients read them: <c>{"ada": {"metas": [{"phx_ref": "F8x", ...}]}}</c>.</summary>
internal static class MembersWriter
{
    // Messages are no part of a page, so only what JSON forbids is escaped.
    public static JsonWriterOptions Options { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>The object of all keys; those of one key in the order given.</summary>
    public static void Write(Utf8JsonWriter writer, IEnumerable<(string Key, string Ref, string Meta)> members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        writer.WriteStartObject();
        foreach (var key in members.GroupBy(member => member.Key, StringComparer.Ordinal))
        {
            writer.WriteStartObject(key.Key);
            writer.WriteStartArray("metas"u8);
            foreach (var (_, reference, meta) in key)
            {
                WriteMeta(writer, buffer, reference, meta);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteMeta(Utf8JsonWriter writer, ArrayBufferWriter<byte> buffer, string reference, string meta)
    {
        buffer.ResetWrittenCount();
        Encoding.UTF8.GetBytes("{\"phx_ref\":\"", buffer);
        Encoding.UTF8.GetBytes(reference, buffer);
        Encoding.UTF8.GetBytes(meta == "{}" ? "\"" : "\",", buffer);
        Encoding.UTF8.GetBytes(meta.AsSpan(1), buffer);
        writer.WriteRawValue(buffer.WrittenSpan, skipInputValidation: true);
    }
}
