using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Serverless.Auth;

/// <summary>Verifies a JSON Web Token in compact form (RFC 7519, RFC 7515) and reads the caller from it.</summary>
/// <remarks>
/// Strict on purpose: the algorithm must be on our list whatever the header says, base64url has no padding and no white space, a member
/// may occur once, an unknown critical header is refused, <c>exp</c> and <c>role</c> must be there. Nothing is read from the payload before the signature holds.
/// </remarks>
internal sealed class JwtVerifier(IOptions<AuthOptions> options, TimeProvider time)
{
    private const int MaxLength = 16 * 1024;

    // Clocks of two servers differ a little; a token is never accepted after its end, but may be used just before its beginning.
    private static readonly TimeSpan _earlyBy = TimeSpan.FromSeconds(5);

    private static readonly JsonDocumentOptions _json = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    private readonly byte[] _key = Encoding.UTF8.GetBytes(options.Value.JwtSecret);

    public TokenError Verify(string token, out Caller? caller)
    {
        caller = null;
        if (token.Length > MaxLength || !TrySplit(token, out var header, out var payload, out var signature, out var signedLength))
        {
            return TokenError.Malformed;
        }

        var algorithm = CheckHeader(header);
        if (algorithm != TokenError.None)
        {
            return algorithm;
        }

        var expected = HMACSHA256.HashData(_key, Encoding.ASCII.GetBytes(token[..signedLength]));
        return CryptographicOperations.FixedTimeEquals(expected, signature) ? ReadClaims(payload, out caller) : TokenError.BadSignature;
    }

    private static bool TrySplit(string token, out byte[] header, out byte[] payload, out byte[] signature, out int signedLength)
    {
        header = payload = signature = [];
        signedLength = token.LastIndexOf('.');
        var first = token.IndexOf('.');
        return first > 0
            && signedLength > first + 1
            && token.AsSpan(first + 1, signedLength - first - 1).IndexOf('.') < 0
            && TryDecode(token.AsSpan(0, first), out header)
            && TryDecode(token.AsSpan(first + 1, signedLength - first - 1), out payload)
            && TryDecode(token.AsSpan(signedLength + 1), out signature);
    }

    private static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];

        // The framework's decoder passes over white space and padding, which RFC 7515 section 2 does not allow.
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                return false;
            }
        }

        var buffer = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        if (Base64Url.DecodeFromChars(text, buffer, out _, out var written) != OperationStatus.Done)
        {
            return false;
        }

        bytes = buffer[..written];
        return true;
    }

    private static TokenError CheckHeader(byte[] header)
    {
        try
        {
            using var document = JsonDocument.Parse(header, _json);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || root.TryGetProperty("crit"u8, out _))
            {
                return TokenError.Malformed;
            }

            return root.TryGetProperty("alg"u8, out var alg) && alg.ValueKind == JsonValueKind.String && alg.ValueEquals("HS256"u8)
                ? TokenError.None
                : TokenError.UnsupportedAlgorithm;
        }
        catch (JsonException)
        {
            return TokenError.Malformed;
        }
    }

    private TokenError ReadClaims(byte[] payload, out Caller? caller)
    {
        caller = null;
        try
        {
            using var document = JsonDocument.Parse(payload, _json);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !ClaimsText.IsSound(root))
            {
                return TokenError.Malformed;
            }

            if (!TryReadTime(root, "exp", out var expires)
                || !root.TryGetProperty("role"u8, out var role)
                || role.ValueKind != JsonValueKind.String
                || role.GetString() is not { Length: > 0 and <= 63 } roleName)
            {
                return TokenError.MissingClaims;
            }

            var now = time.GetUtcNow();
            if (expires <= now)
            {
                return TokenError.Expired;
            }

            if (root.TryGetProperty("nbf"u8, out _) && (!TryReadTime(root, "nbf", out var from) || from > now + _earlyBy))
            {
                return TokenError.NotYetValid;
            }

            var subject = root.TryGetProperty("sub"u8, out var sub) && sub.ValueKind == JsonValueKind.String ? sub.GetString() : null;
            caller = new Caller(roleName, subject, expires, root.GetRawText());
            return TokenError.None;
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException)
        {
            // Invalid UTF-8 or a lone surrogate inside a string surfaces only when the string is read.
            return TokenError.Malformed;
        }
    }

    private static bool TryReadTime(JsonElement root, string name, out DateTimeOffset instant)
    {
        instant = default;
        if (!root.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var seconds))
        {
            return false;
        }

        // Year 9999 ends before 253402300800; a later or infinite time is no time.
        if (seconds is not (>= 0 and < 253402300800))
        {
            return false;
        }

        instant = DateTimeOffset.UnixEpoch.AddSeconds(seconds);
        return true;
    }
}
