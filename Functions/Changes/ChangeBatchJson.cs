using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Serverless.Changes;

/// <summary>The bus event's body: a batch as JSON, with each table described once. docs/protocol.md has an example.</summary>
internal static class ChangeBatchJson
{
    private const int Version = 1;

    private static readonly JsonWriterOptions _writerOptions = new() { SkipValidation = true };
    private static readonly JsonDocumentOptions _documentOptions = new() { MaxDepth = RowImage.MaxDepth + 8 };

    public static void Write(IBufferWriter<byte> output, ChangeBatch batch)
    {
        using var writer = new Utf8JsonWriter(output, _writerOptions);
        writer.WriteStartObject();
        writer.WriteNumber("v"u8, Version);
        writer.WriteString("epoch"u8, batch.Epoch);

        var relations = batch.Changes.Select(change => change.Relation).Distinct(ReferenceEqualityComparer.Instance).Cast<Relation>().ToList();
        writer.WriteStartArray("tables"u8);
        foreach (var relation in relations)
        {
            WriteRelation(writer, relation);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("changes"u8);
        foreach (var change in batch.Changes)
        {
            WriteChange(writer, change, relations.Count == 1 ? 0 : relations.IndexOf(change.Relation));
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="FormatException">The body is not such a batch; the message says where.</exception>
    public static ChangeBatch Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, _documentOptions);
            return ReadBatch(document.RootElement);
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException or ArgumentOutOfRangeException or OverflowException)
        {
            throw new FormatException(
                "The event is not a batch of changes as capture writes it (docs/protocol.md, \"The bus event\"): " + Describe(ex), ex);
        }
    }

    // A JSON reader's message may quote the text it met, which can be row data; its place in the body is enough.
    private static string Describe(Exception exception) => exception is JsonException json
        ? string.Create(CultureInfo.InvariantCulture, $"no valid JSON at byte {json.BytePositionInLine} of line {json.LineNumber}.")
        : "a member is missing or of the wrong type.";

    private static void WriteRelation(Utf8JsonWriter writer, Relation relation)
    {
        writer.WriteStartObject();
        writer.WriteNumber("oid"u8, relation.Oid);
        writer.WriteString("schema"u8, relation.Schema);
        writer.WriteString("table"u8, relation.Name);
        writer.WriteString("identity"u8, IdentityName(relation.Identity));
        writer.WriteStartArray("columns"u8);
        foreach (var column in relation.Columns)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, column.Name);
            writer.WriteNumber("oid"u8, column.TypeOid);
            writer.WriteString("type"u8, column.TypeName);
            if (column.IsKey)
            {
                writer.WriteBoolean("key"u8, true);
            }

            if (column.IsPrimary != column.IsKey)
            {
                writer.WriteBoolean("primary"u8, column.IsPrimary);
            }

            if (column.Number is { } number)
            {
                writer.WriteNumber("number"u8, number);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (relation.UnstreamedColumns.Count > 0)
        {
            writer.WriteStartArray("unstreamed"u8);
            foreach (var name in relation.UnstreamedColumns)
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteChange(Utf8JsonWriter writer, RowChange change, int table)
    {
        writer.WriteStartObject();
        writer.WriteNumber("t"u8, table);
        writer.WriteString("type"u8, change.Kind.Name());
        writer.WriteString("lsn"u8, change.Position.Commit.ToString());
        writer.WriteNumber("i"u8, change.Position.Index);
        writer.WriteNumber("xid"u8, change.Xid);
        writer.WriteString("at"u8, change.CommittedAt);
        if (change.New is { } added)
        {
            writer.WritePropertyName("record"u8);
            writer.WriteRawValue(added.Json.Span, skipInputValidation: true);
            WriteInexact(writer, "record_inexact"u8, added);
        }

        if (change.Old is { } old)
        {
            writer.WritePropertyName("old"u8);
            writer.WriteRawValue(old.Json.Span, skipInputValidation: true);
            WriteInexact(writer, "old_inexact"u8, old);
        }

        writer.WriteEndObject();
    }

    private static void WriteInexact(Utf8JsonWriter writer, ReadOnlySpan<byte> name, RowImage image)
    {
        if (image.Inexact.Count == 0)
        {
            return;
        }

        writer.WriteStartArray(name);
        foreach (var column in image.Inexact)
        {
            writer.WriteStringValue(column);
        }

        writer.WriteEndArray();
    }

    private static ChangeBatch ReadBatch(JsonElement root)
    {
        if (root.GetProperty("v"u8).GetInt32() is var version and not Version)
        {
            throw new FormatException($"The event is a batch of format version {version}; this build reads version {Version}. Deploy capture and the functions together.");
        }

        var relations = root.GetProperty("tables"u8).EnumerateArray().Select(ReadRelation).ToList();
        var changes = new List<RowChange>();
        foreach (var element in root.GetProperty("changes"u8).EnumerateArray())
        {
            changes.Add(ReadChange(element, relations[element.GetProperty("t"u8).GetInt32()]));
        }

        return changes.Count > 0
            ? new ChangeBatch(RequiredString(root, "epoch"), changes)
            : throw new FormatException("The event is a batch without changes; capture never writes one.");
    }

    private static Relation ReadRelation(JsonElement element) => new(
        element.GetProperty("oid"u8).GetUInt32(),
        RequiredString(element, "schema"),
        RequiredString(element, "table"),
        ParseIdentity(RequiredString(element, "identity")),
        [.. element.GetProperty("columns"u8).EnumerateArray().Select(ReadColumn)],
        element.TryGetProperty("unstreamed"u8, out var unstreamed) ? [.. unstreamed.EnumerateArray().Select(name => name.GetString()!)] : []);

    private static Column ReadColumn(JsonElement element)
    {
        var isKey = element.TryGetProperty("key"u8, out var key) && key.GetBoolean();
        return new Column(RequiredString(element, "name"), element.GetProperty("oid"u8).GetUInt32(), RequiredString(element, "type"), isKey)
        {
            IsPrimary = element.TryGetProperty("primary"u8, out var primary) ? primary.GetBoolean() : isKey,
            Number = element.TryGetProperty("number"u8, out var number) ? number.GetInt32() : null,
        };
    }

    private static RowChange ReadChange(JsonElement element, Relation relation) => new(
        relation,
        ParseKind(RequiredString(element, "type")),
        new ChangePosition(Lsn.Parse(RequiredString(element, "lsn")), element.GetProperty("i"u8).GetInt32()),
        element.GetProperty("xid"u8).GetUInt32(),
        element.GetProperty("at"u8).GetDateTime().ToUniversalTime(),
        ReadImage(element, "record", relation),
        ReadImage(element, "old", relation));

    private static RowImage? ReadImage(JsonElement element, string name, Relation relation)
    {
        if (!element.TryGetProperty(name, out var image))
        {
            return null;
        }

        return image.ValueKind == JsonValueKind.Object
            ? new RowImage(relation, JsonMarshalBytes(image)) { Inexact = ReadInexact(element, name + "_inexact") }
            : throw new FormatException($"The event's member '{name}' is not an object.");
    }

    private static IReadOnlyList<string> ReadInexact(JsonElement element, string name) =>
        element.TryGetProperty(name, out var columns) ? [.. columns.EnumerateArray().Select(column => column.GetString()!)] : [];

    private static byte[] JsonMarshalBytes(JsonElement element) =>
        System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(element).ToArray();

    private static string RequiredString(JsonElement element, string name) =>
        element.GetProperty(name).GetString() ?? throw new FormatException($"The event's member '{name}' is null.");

    private static string IdentityName(ReplicaIdentity identity) => identity switch
    {
        ReplicaIdentity.Default => "default",
        ReplicaIdentity.Nothing => "nothing",
        ReplicaIdentity.Full => "full",
        ReplicaIdentity.Index => "index",
        _ => throw new ArgumentOutOfRangeException(nameof(identity), identity, "Not a replica identity."),
    };

    private static ReplicaIdentity ParseIdentity(string name) => name switch
    {
        "default" => ReplicaIdentity.Default,
        "nothing" => ReplicaIdentity.Nothing,
        "full" => ReplicaIdentity.Full,
        "index" => ReplicaIdentity.Index,
        _ => throw new FormatException($"The event's replica identity '{name}' is not one of default, nothing, full, index."),
    };

    private static ChangeKind ParseKind(string name) => name switch
    {
        "INSERT" => ChangeKind.Insert,
        "UPDATE" => ChangeKind.Update,
        "DELETE" => ChangeKind.Delete,
        "TRUNCATE" => ChangeKind.Truncate,
        _ => throw new FormatException($"The event's type '{name}' is not one of INSERT, UPDATE, DELETE, TRUNCATE."),
    };
}
