using System.Text.Json;

namespace Serverless.Auth;

/// <summary>What a token's header says of its signature (RFC 7515 section 4.1).</summary>
/// <remarks>It is the sender's word: it may choose among what is configured, never add to it.</remarks>
/// <param name="KeyId">The <c>kid</c> member, which names a key.</param>
/// <param name="KeyFault">What forbids looking for a public key: a <c>kid</c> that is no text, or a key that the token brings itself.</param>
internal sealed record TokenHeader(string? Algorithm, string? KeyId, TokenError KeyFault)
{
    /// <returns>Null where it is no plain JSON object, or asks for extensions (<c>crit</c>), of which none is understood.</returns>
    public static TokenHeader? Read(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, StrictJson.Options);
            var root = document.RootElement;
            return root.ValueKind != JsonValueKind.Object || root.TryGetProperty("crit"u8, out _)
                ? null
                : new TokenHeader(root.Text("alg"u8), root.Text("kid"u8), FaultOf(root));
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static TokenError FaultOf(JsonElement root)
    {
        // Whoever may say which key a signature is checked with can sign anything.
        if (root.TryGetProperty("jwk"u8, out _) || root.TryGetProperty("jku"u8, out _)
            || root.TryGetProperty("x5u"u8, out _) || root.TryGetProperty("x5c"u8, out _))
        {
            return TokenError.KeyInToken;
        }

        return root.TryGetProperty("kid"u8, out var id) && id.ValueKind != JsonValueKind.String ? TokenError.Malformed : TokenError.None;
    }
}
