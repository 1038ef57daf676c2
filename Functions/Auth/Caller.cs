namespace Serverless.Auth;

/// <summary>Who a verified token says is calling.</summary>
/// <param name="Role">The database role that the caller acts as.</param>
/// <param name="Subject">The <c>sub</c> claim; null for an API key.</param>
/// <param name="ExpiresAt">When the token ends, in UTC.</param>
/// <param name="Claims">All claims, as the token's JSON object. Never log it.</param>
internal sealed record Caller(string Role, string? Subject, DateTimeOffset ExpiresAt, string Claims)
{
    // A record prints its members, and the claims are personal data.
    public override string ToString() => $"Caller({Role})";
}
