using System.Text;
using System.Text.Json;
using Serverless.Changes;

namespace Serverless.Support;

/// <summary>Changes of a small table <c>public.todos</c> for tests that care about their journey, not their content.</summary>
internal static class ATodo
{
    private static readonly Relation _todos = new(
        16400,
        "public",
        "todos",
        ReplicaIdentity.Default,
        [new Column("id", 23, "int4", IsKey: true), new Column("title", 25, "text", IsKey: false)],
        []);

    public static ChangeBatch Inserted(int id, string title) => new("7423-1-1",
    [
        new RowChange(
            _todos,
            ChangeKind.Insert,
            new ChangePosition(Lsn.Parse($"0/{id:X}"), 0),
            Xid: 745,
            new DateTime(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc),
            new RowImage(_todos, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { id, title }))),
            Old: null),
    ]);

    public static string Title(ChangeBatch batch) => JsonDocument.Parse(batch.Changes.Single().New!.Json).RootElement.GetProperty("title").GetString()!;
}
