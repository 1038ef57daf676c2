namespace Serverless.Auth;

/// <summary>Why a token was refused.</summary>
internal enum TokenError
{
    None,
    Missing,
    Malformed,
    UnsupportedAlgorithm,
    BadSignature,
    KeyInToken,
    UnknownKey,
    UnfitKey,
    KeysUnavailable,
    Expired,
    NotYetValid,
    MissingClaims,
    WrongIssuer,
    WrongAudience,
}

internal static class TokenErrors
{
    /// <summary>401, but where the fault is not the token's.</summary>
    public static int StatusCode(this TokenError error) =>
        error == TokenError.KeysUnavailable ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status401Unauthorized;

    public static string Code(this TokenError error) => error switch
    {
        TokenError.Missing => "MissingToken",
        TokenError.Malformed => "MalformedJWT",
        TokenError.Expired => "TokenExpired",
        TokenError.BadSignature or TokenError.UnsupportedAlgorithm or TokenError.KeyInToken or TokenError.UnknownKey or TokenError.UnfitKey => "JwtSignatureError",
        TokenError.KeysUnavailable => "TokenKeysUnavailable",
        _ => "InvalidJWTToken",
    };

    /// <summary>What the developer should change. Says nothing of the token's content.</summary>
    public static string Message(this TokenError error) => error switch
    {
        TokenError.Missing => "No API key. Send it in the header 'apikey' or the query parameter 'apikey', or a token in 'Authorization: Bearer'.",
        TokenError.Malformed => "The token is not a JWT: three base64url parts, the first two of them JSON objects, at most 16 KiB.",
        TokenError.UnsupportedAlgorithm =>
            "The token's algorithm is not accepted here. Sign it with HS256 and the configured secret; RS256 and ES256 need configured keys (Realtime:Jwks or Realtime:JwksUrl).",
        TokenError.BadSignature => "The token's signature does not match. It was signed with another secret or key, or altered.",
        TokenError.KeyInToken => "The token's header brings a key (jwk, jku, x5u or x5c). Keys come from this service's settings alone: sign without it, and name the key by 'kid'.",
        TokenError.UnknownKey => "The token's key is not in the configured key set. Name a key of the set by 'kid'; a key that was added a moment ago is found a moment later.",
        TokenError.UnfitKey => "The token's 'kid' names a key of another algorithm, or there is no 'kid' and several keys would fit. 'alg' and 'kid' must fit one key of the set.",
        TokenError.KeysUnavailable => "The keys that tokens are signed with could not be fetched. Try again in a moment.",
        TokenError.Expired => "The token has expired. Get a new one from your authentication service.",
        TokenError.NotYetValid => "The token is not valid yet (nbf). Check the clock of the service that issued it.",
        TokenError.MissingClaims => "The token must carry 'role' (a string) and 'exp' (seconds since 1970).",
        TokenError.WrongIssuer => "The token's 'iss' is not the issuer that this service takes tokens from (Realtime:JwtIssuer).",
        TokenError.WrongAudience => "The token's 'aud' does not name this service (Realtime:JwtAudience).",
        _ => "The token was not accepted.",
    };
}
