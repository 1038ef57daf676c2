using System.Text.Json;

namespace Serverless.Auth;

/// <summary>Whether a token's claims are text that can be passed on: JSON's escapes can spell out what is no text, and what PostgreSQL does not hold.</summary>
internal static class ClaimsText
{
    /// <summary>Half a surrogate pair is no character, so nothing that writes UTF-8 takes it. U+0000 matters in what the database is told as text: the role and the subject.</summary>
    public static bool IsSound(JsonElement claims) => IsText(claims) && !HoldsNul(claims, "role") && !HoldsNul(claims, "sub");

    private static bool IsText(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.Object => value.EnumerateObject().All(member => member.Name is not null && IsText(member.Value)),
                JsonValueKind.Array => value.EnumerateArray().All(IsText),
                JsonValueKind.String => value.GetString() is not null,
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            // Reading a string with half a pair, or with bytes that are no UTF-8, throws this.
            return false;
        }
    }

    private static bool HoldsNul(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString()!.Contains('\0', StringComparison.Ordinal);
}
