using System.Text.Json;

namespace Serverless.Auth;

/// <summary>Which issuer and audience a token must name; null is any.</summary>
internal sealed record ExpectedClaims(string? Issuer, string? Audience)
{
    public static ExpectedClaims Any { get; } = new(null, null);
}

/// <summary>Reads the caller from the claims of a token whose signature holds (RFC 7519 section 4.1).</summary>
internal static class TokenClaims
{
    // Clocks of two servers differ a little; a token is never accepted after its end, but may be used just before its beginning.
    private static readonly TimeSpan _earlyBy = TimeSpan.FromSeconds(5);

    public static TokenVerdict Read(byte[] payload, ExpectedClaims expected, DateTimeOffset now)
    {
        try
        {
            using var document = JsonDocument.Parse(payload, StrictJson.Options);
            return document.RootElement.ValueKind == JsonValueKind.Object && ClaimsText.IsSound(document.RootElement)
                ? Read(document.RootElement, expected, now)
                : TokenVerdict.Refused(TokenError.Malformed);
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException)
        {
            // Invalid UTF-8 or a lone surrogate inside a string surfaces only when the string is read.
            return TokenVerdict.Refused(TokenError.Malformed);
        }
    }

    private static TokenVerdict Read(JsonElement claims, ExpectedClaims expected, DateTimeOffset now)
    {
        if (!TryReadTime(claims, "exp"u8, out var expires) || claims.Text("role"u8) is not { Length: > 0 and <= 63 } role)
        {
            return TokenVerdict.Refused(TokenError.MissingClaims);
        }

        var error = CheckSender(claims, expected) is var sender and not TokenError.None ? sender : CheckTime(claims, expires, now);
        return error == TokenError.None
            ? TokenVerdict.Accepted(new Caller(role, claims.Text("sub"u8), expires, claims.GetRawText()))
            : TokenVerdict.Refused(error);
    }

    private static TokenError CheckSender(JsonElement claims, ExpectedClaims expected)
    {
        if (expected.Issuer is { } issuer && claims.Text("iss"u8) != issuer)
        {
            return TokenError.WrongIssuer;
        }

        return expected.Audience is { } audience && !IsFor(claims, audience) ? TokenError.WrongAudience : TokenError.None;
    }

    // One audience may stand alone, without an array (RFC 7519 section 4.1.3).
    private static bool IsFor(JsonElement claims, string audience) =>
        claims.TryGetProperty("aud"u8, out var named)
        && (named.ValueKind == JsonValueKind.Array
            ? named.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.String && item.ValueEquals(audience))
            : named.ValueKind == JsonValueKind.String && named.ValueEquals(audience));

    private static TokenError CheckTime(JsonElement claims, DateTimeOffset expires, DateTimeOffset now)
    {
        if (expires <= now)
        {
            return TokenError.Expired;
        }

        return claims.TryGetProperty("nbf"u8, out _) && (!TryReadTime(claims, "nbf"u8, out var from) || from > now + _earlyBy)
            ? TokenError.NotYetValid
            : TokenError.None;
    }

    private static bool TryReadTime(JsonElement claims, ReadOnlySpan<byte> name, out DateTimeOffset instant)
    {
        instant = default;
        if (!claims.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var seconds))
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
