using System.Text.Json;

namespace Serverless.Auth.Keys;

/// <summary>Reads a JSON Web Key (RFC 7517 section 4) that tokens may be verified with.</summary>
internal static class JsonWebKey
{
    private const int MaxIdLength = 256;

    private static readonly string[] _privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

    /// <returns>The key, or null with the reason, which says nothing of the key's content.</returns>
    public static VerificationKey? Read(JsonElement jwk, out string reason)
    {
        if (jwk.ValueKind != JsonValueKind.Object)
        {
            reason = "it is no JSON object";
            return null;
        }

        if (jwk.Text("kty"u8) == "oct")
        {
            reason = "it is a shared secret ('oct'); tokens are signed with one secret only, Realtime:JwtSecret";
            return null;
        }

        if (_privateMembers.Any(name => jwk.TryGetProperty(name, out _)))
        {
            reason = "it has private members; only the public half of a key belongs in a key set";
            return null;
        }

        if (jwk.TryGetProperty("kid"u8, out _) && jwk.Text("kid"u8) is not { Length: <= MaxIdLength })
        {
            reason = $"its 'kid' is no text of at most {MaxIdLength} characters";
            return null;
        }

        return ReadPublic(jwk, jwk.Text("kid"u8), out reason) is { } key && IsForTokens(jwk, key.Algorithm, out reason) ? key : null;
    }

    private static VerificationKey? ReadPublic(JsonElement jwk, string? id, out string reason)
    {
        switch (jwk.Text("kty"u8))
        {
            case "RSA":
                return RsaKey.Read(jwk, id, out reason);
            case "EC":
                return EcKey.Read(jwk, id, out reason);
            default:
                reason = "its type ('kty') is neither RSA nor EC";
                return null;
        }
    }

    // Each of the three is optional; where it is there, it must allow what we do (RFC 7517 sections 4.2 to 4.4).
    private static bool IsForTokens(JsonElement jwk, string algorithm, out string reason)
    {
        reason = "";
        if (jwk.TryGetProperty("use"u8, out _) && jwk.Text("use"u8) != "sig")
        {
            reason = "its 'use' is not 'sig'";
        }
        else if (jwk.TryGetProperty("key_ops"u8, out var operations) && !AllowVerifying(operations))
        {
            reason = "its 'key_ops' do not have 'verify'";
        }
        else if (jwk.TryGetProperty("alg"u8, out _) && jwk.Text("alg"u8) != algorithm)
        {
            reason = $"its 'alg' is not {algorithm}";
        }

        return reason.Length == 0;
    }

    private static bool AllowVerifying(JsonElement operations) =>
        operations.ValueKind == JsonValueKind.Array
        && operations.EnumerateArray().Any(operation => operation.ValueKind == JsonValueKind.String && operation.ValueEquals("verify"u8));
}
