using System.Text.Json.Serialization;

namespace Serverless.ChangeLog;

/// <summary>A <see cref="LogCursor"/> as clients get it.</summary>
internal sealed record CursorAnswer([property: JsonPropertyName("epoch")] string Epoch, [property: JsonPropertyName("position")] string Position)
{
    public static CursorAnswer? Of(LogCursor? cursor) => cursor is null ? null : new(cursor.Epoch, cursor.Position.ToString());
}
