using System.Text.Json;

namespace Serverless.Auth;

/// <summary>JSON from strangers: a member occurs once, and nothing is nested deeply.</summary>
/// <remarks>RFC 7515 section 4 and RFC 7517 section 4 ask for unique member names or leave the choice of one to the reader; two readers may choose differently.</remarks>
internal static class StrictJson
{
    public static JsonDocumentOptions Options { get; } = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    /// <summary>The text of a member; null where it is absent or no text.</summary>
    /// <exception cref="InvalidOperationException">The text is not valid Unicode, which surfaces only when it is read.</exception>
    public static string? Text(this JsonElement members, ReadOnlySpan<byte> name) =>
        members.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
