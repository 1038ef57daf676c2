namespace Serverless.Auth;

/// <summary>What became of a token: its caller, or why it was refused.</summary>
internal readonly record struct TokenVerdict(TokenError Error, Caller? Caller)
{
    public static TokenVerdict Refused(TokenError error) => new(error, null);

    public static TokenVerdict Accepted(Caller caller) => new(TokenError.None, caller);
}
