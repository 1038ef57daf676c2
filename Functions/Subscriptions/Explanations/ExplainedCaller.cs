using System.Text.Json.Nodes;
using Serverless.Auth;

namespace Serverless.Subscriptions.Explanations;

/// <summary>For whom a subscription is explained, and how much of it the one who asks may be told.</summary>
/// <param name="IsTrusted">Whether policies' texts, columns' names and PostgreSQL's own messages may be told: to the service role alone.</param>
internal sealed record ExplainedCaller(string Role, ClaimSet Claims, bool IsTrusted)
{
    private const string ServiceRole = "service_role";

    /// <exception cref="SubscriptionException">Others than the service role ask for somebody else, or the claims are no object.</exception>
    public static ExplainedCaller Of(ExplainRequest request, Caller caller)
    {
        var isTrusted = caller.Role == ServiceRole;
        if (request is { Role: null, Claims: null })
        {
            return new ExplainedCaller(caller.Role, ClaimSet.Of(caller), isTrusted);
        }

        if (!isTrusted)
        {
            throw new SubscriptionException(
                "ServiceRoleOnly",
                StatusCodes.Status403Forbidden,
                $"'role' and 'claims' are for {ServiceRole}. Leave them out to have the subscription explained for yourself, or call with a token of {ServiceRole}.");
        }

        if (request.Claims is { ValueKind: not System.Text.Json.JsonValueKind.Object })
        {
            throw SubscriptionException.Invalid("InvalidBody", "'claims' must be an object, as in a token: {\"sub\": \"...\", \"role\": \"authenticated\"}.");
        }

        // Tokens name their role, and policies may read it there.
        var claims = request.Claims is { } given ? JsonNode.Parse(given.GetRawText())!.AsObject() : [];
        var role = request.Role ?? (claims["role"] is JsonValue named && named.TryGetValue<string>(out var text) ? text : caller.Role);
        claims["role"] = role;
        return new ExplainedCaller(role, ClaimSet.Of(caller with { Role = role, Claims = claims.ToJsonString() }), isTrusted);
    }
}
