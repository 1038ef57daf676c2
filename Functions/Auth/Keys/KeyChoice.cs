namespace Serverless.Auth.Keys;

/// <summary>The key that a token is to be verified with, or why there is none.</summary>
internal readonly record struct KeyChoice(VerificationKey? Key, TokenError Error)
{
    public static KeyChoice None(TokenError error) => new(null, error);

    public static KeyChoice Of(VerificationKey key) => new(key, TokenError.None);
}
