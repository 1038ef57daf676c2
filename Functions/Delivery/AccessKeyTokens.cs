using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Serverless.Delivery;

/// <summary>
/// Makes and reads the JWTs of Azure SignalR: HS256, keyed with the UTF-8 bytes of the access key (which looks like Base64 and is
/// not decoded), for one URL as audience.
/// </summary>
internal sealed class AccessKeyTokens(string accessKey, TimeProvider time)
{
    /// <summary>Azure SignalR's bound on a token.</summary>
    private const int MaxLength = 4096;

    private static readonly TimeSpan _notBeforeSkew = TimeSpan.FromMinutes(1);
    private static readonly string _header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    private static readonly SearchValues<char> _compactForm =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    private readonly byte[] _key = Encoding.UTF8.GetBytes(accessKey);

    /// <param name="userId">The SignalR user, in a client's token; null in a REST token.</param>
    public string Issue(string audience, TimeSpan lifetime, string? userId = null)
    {
        var now = time.GetUtcNow();
        var payload = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(payload))
        {
            writer.WriteStartObject();
            writer.WriteString("aud"u8, audience);
            writer.WriteNumber("iat"u8, now.ToUnixTimeSeconds());
            writer.WriteNumber("exp"u8, (now + lifetime).ToUnixTimeSeconds());
            if (userId is not null)
            {
                writer.WriteString("asrs.s.uid"u8, userId);
            }

            writer.WriteEndObject();
        }

        var signed = $"{_header}.{Base64Url.EncodeToString(payload.WrittenSpan)}";
        return $"{signed}.{Base64Url.EncodeToString(Sign(signed))}";
    }

    /// <summary>Reads a token that this key signed and whose time it is. Whether the audience is the right one is the caller's to say.</summary>
    /// <param name="refusal">Where null is returned: why, in words for the caller.</param>
    /// <param name="ignoreExpiry">Accept a token whose time is over. It must still have one.</param>
    public AccessToken? Read(string token, out string refusal, bool ignoreExpiry = false)
    {
        refusal = "The token is not a JWT of three Base64url parts.";
        if (token.Length > MaxLength || token.AsSpan().ContainsAnyExcept(_compactForm) || token.Split('.') is not [var header, var payload, var signature])
        {
            return null;
        }

        if (Decode(header) is not { } headerBytes || Decode(payload) is not { } payloadBytes || Decode(signature) is not { } signatureBytes)
        {
            return null;
        }

        if (!IsHs256(headerBytes))
        {
            refusal = "The token is not signed with HS256, the only algorithm accepted.";
            return null;
        }

        if (!CryptographicOperations.FixedTimeEquals(Sign($"{header}.{payload}"), signatureBytes))
        {
            refusal = "The token is not signed with this service's access key.";
            return null;
        }

        return ReadClaims(payloadBytes, ignoreExpiry, ref refusal);
    }

    private byte[] Sign(string text) => HMACSHA256.HashData(_key, Encoding.ASCII.GetBytes(text));

    private AccessToken? ReadClaims(byte[] payload, bool ignoreExpiry, ref string refusal)
    {
        if (Parse(payload) is not { } claims)
        {
            return null;
        }

        if (Seconds(claims, "exp"u8) is not { } expires)
        {
            refusal = "The token has no time of expiry (exp).";
            return null;
        }

        var now = time.GetUtcNow();
        if (!ignoreExpiry && now.ToUnixTimeSeconds() >= expires)
        {
            refusal = "The token has expired. Negotiate again.";
            return null;
        }

        if (claims.TryGetProperty("nbf"u8, out _)
            && !(Seconds(claims, "nbf"u8) <= (now + _notBeforeSkew).ToUnixTimeSeconds()))
        {
            refusal = "The token is not valid yet (nbf).";
            return null;
        }

        return new AccessToken(Audiences(claims), Text(claims, "asrs.s.uid"u8) ?? Text(claims, "nameid"u8) ?? Text(claims, "sub"u8));
    }

    private static bool IsHs256(byte[] header) =>
        Parse(header) is { } members && Text(members, "alg"u8) == "HS256" && !members.TryGetProperty("crit"u8, out _);

    private static string[] Audiences(JsonElement claims)
    {
        if (!claims.TryGetProperty("aud"u8, out var audience))
        {
            return [];
        }

        return audience.ValueKind switch
        {
            JsonValueKind.String => [audience.GetString()!],
            JsonValueKind.Array => [.. audience.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)],
            _ => [],
        };
    }

    private static string? Text(JsonElement members, ReadOnlySpan<byte> name) =>
        members.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static double? Seconds(JsonElement members, ReadOnlySpan<byte> name) =>
        members.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static JsonElement? Parse(byte[] json)
    {
        try
        {
            var element = JsonElement.Parse(json);
            return element.ValueKind == JsonValueKind.Object ? element : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static byte[]? Decode(string part)
    {
        var bytes = new byte[Base64Url.GetMaxDecodedLength(part.Length)];
        return Base64Url.DecodeFromChars(part, bytes, out _, out var written) == OperationStatus.Done ? bytes[..written] : null;
    }
}
