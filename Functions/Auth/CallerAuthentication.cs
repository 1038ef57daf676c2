namespace Serverless.Auth;

/// <summary>Finds the caller of an HTTP request: API key in <c>apikey</c>, the user's own token in <c>Authorization</c>.</summary>
/// <remarks>Both must verify where both are given; the user's token decides.</remarks>
internal sealed class CallerAuthentication(JwtVerifier verifier)
{
    public async ValueTask<TokenVerdict> AuthenticateAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var apiKey = ApiKeyOf(request);
        var bearer = BearerOf(request);
        if (apiKey is not null)
        {
            var verdict = await verifier.VerifyAsync(apiKey, cancellationToken);
            if (verdict.Error != TokenError.None || bearer is null || bearer == apiKey)
            {
                return verdict;
            }
        }

        return bearer is null ? TokenVerdict.Refused(TokenError.Missing) : await verifier.VerifyAsync(bearer, cancellationToken);
    }

    private static string? ApiKeyOf(HttpRequest request)
    {
        var header = request.Headers["apikey"].ToString();
        if (header.Length > 0)
        {
            return header;
        }

        var query = request.Query["apikey"].ToString();
        return query.Length > 0 ? query : null;
    }

    private static string? BearerOf(HttpRequest request)
    {
        const string Scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;
    }
}
