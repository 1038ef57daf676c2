namespace Serverless.Auth;

/// <summary>Why a token was refused.</summary>
internal enum TokenError
{
    None,
    Missing,
    Malformed,
    UnsupportedAlgorithm,
    BadSignature,
    Expired,
    NotYetValid,
    MissingClaims,
}

internal static class TokenErrors
{
    public static string Code(this TokenError error) => error switch
    {
        TokenError.Missing => "MissingToken",
        TokenError.Malformed => "MalformedJWT",
        TokenError.Expired => "TokenExpired",
        TokenError.BadSignature or TokenError.UnsupportedAlgorithm => "JwtSignatureError",
        _ => "InvalidJWTToken",
    };

    /// <summary>What the developer should change. Says nothing of the token's content.</summary>
    public static string Message(this TokenError error) => error switch
    {
        TokenError.Missing => "No API key. Send it in the header 'apikey' or the query parameter 'apikey', or a token in 'Authorization: Bearer'.",
        TokenError.Malformed => "The token is not a JWT: three base64url parts, the first two of them JSON objects, at most 16 KiB.",
        TokenError.UnsupportedAlgorithm => "The token's algorithm is not accepted here. Sign it with HS256 and the configured secret.",
        TokenError.BadSignature => "The token's signature does not match. It was signed with another secret, or altered.",
        TokenError.Expired => "The token has expired. Get a new one from your authentication service.",
        TokenError.NotYetValid => "The token is not valid yet (nbf). Check the clock of the service that issued it.",
        TokenError.MissingClaims => "The token must carry 'role' (a string) and 'exp' (seconds since 1970).",
        _ => "The token was not accepted.",
    };
}
