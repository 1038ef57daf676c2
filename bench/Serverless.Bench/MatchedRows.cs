using System.Globalization;
using System.Text;
using Serverless.Changes;

namespace Serverless.Bench;

/// <summary>Rows of a table as a product has it, each with a key and an owner that follow from a number.</summary>
internal static class MatchedRows
{
    public static Relation Relation { get; } = new(
        16400,
        "public",
        "orders",
        ReplicaIdentity.Full,
        [
            new("id", 20, "int8", IsKey: true),
            new("user_id", 2950, "uuid", IsKey: false),
            new("status", 25, "text", IsKey: false),
            new("quantity", 20, "int8", IsKey: false),
            new("price", 1700, "numeric", IsKey: false),
            new("title", 25, "text", IsKey: false),
            new("note", 25, "text", IsKey: false),
            new("created_at", 1184, "timestamptz", IsKey: false),
        ],
        []);

    public static RowImage Row(long id, int user) => new(Relation, Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"id":{{id}},"user_id":{{UserToken(user)}},"status":"in_progress","quantity":250,"price":149.90,"title":"Two tickets for the \"Late Show\"","note":null,"created_at":"2026-03-01T12:00:00.123456+00:00"}""")));

    /// <summary>A uuid, spread as random ones are.</summary>
    public static string UserToken(int user)
    {
        var mixed = (ulong)(user + 1) * 0x9E3779B97F4A7C15;
        return $"\"{new Guid((uint)(mixed >> 32), (ushort)(mixed >> 16), (ushort)mixed, 0x80, (byte)user, 1, 2, 3, 4, 5, (byte)(user >> 8)):D}\"";
    }
}
