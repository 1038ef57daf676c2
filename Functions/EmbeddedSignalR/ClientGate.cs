using System.Security.Claims;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR;

/// <summary>Stands before the client endpoint: answers other origins' preflights, checks the hub and the client's token.</summary>
internal sealed class ClientGate(AccessKeyTokens tokens, ICorsService cors, IOptions<DeliveryOptions> options)
{
    /// <summary>Where SignalR clients connect, as on Azure SignalR.</summary>
    public const string Path = "/client";

    private readonly CorsPolicy _origins = Origins(options.Value.AllowedOrigins);
    private readonly string _audience = $"{Path}/?hub={Uri.EscapeDataString(options.Value.Hub)}";

    public RequestDelegate Guard(RequestDelegate next) => async context =>
    {
        var origin = cors.EvaluatePolicy(context, _origins);
        cors.ApplyResult(origin, context.Response);
        if (HttpMethods.IsOptions(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        else if (!string.Equals(context.Request.Query["hub"], options.Value.Hub, StringComparison.Ordinal))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "InvalidHub", $"The query must name the hub: 'hub={options.Value.Hub}'.");
        }
        else if (Authenticate(context.Request, out var refusal) is { } user)
        {
            context.User = user;
            await next(context);
        }
        else
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, "Unauthorized", refusal);
        }
    };

    private ClaimsPrincipal? Authenticate(HttpRequest request, out string refusal)
    {
        if (Token(request) is not { } text)
        {
            refusal = "A token is needed, as 'Authorization: Bearer' or in the query as access_token. Negotiate gives one.";
            return null;
        }

        // A connection outlives the token it began with; long polling shows that token with every request. An unknown id is refused further on.
        var belongsToConnection = request.Query.ContainsKey("id");
        if (tokens.Read(text, out refusal, ignoreExpiry: belongsToConnection) is not { } token)
        {
            return null;
        }

        if (!token.Audiences.Any(IsForClients))
        {
            refusal = "The token is for another address (aud) than this client endpoint.";
            return null;
        }

        var claims = token.UserId is { } user ? [new Claim(ClaimTypes.NameIdentifier, user)] : Array.Empty<Claim>();
        return new ClaimsPrincipal(new ClaimsIdentity(claims, "AccessKey"));
    }

    private static string? Token(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header["Bearer ".Length..].Trim() : request.Query["access_token"];
    }

    // Scheme and authority are left out: behind a proxy the address that clients use is not the one that arrives here.
    private bool IsForClients(string audience) =>
        Uri.TryCreate(audience, UriKind.Absolute, out var url) && string.Equals(url.PathAndQuery, _audience, StringComparison.Ordinal);

    private static Task RefuseAsync(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { code, message }, context.RequestAborted);
    }

    // SignalR clients send credentials unless told otherwise, and then the answer must name the origin; '*' would not do.
    private static CorsPolicy Origins(string allowed)
    {
        var policy = new CorsPolicyBuilder().AllowAnyHeader().AllowAnyMethod().AllowCredentials().SetPreflightMaxAge(TimeSpan.FromHours(1));
        var origins = allowed.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return (origins.Contains("*") ? policy.SetIsOriginAllowed(_ => true) : policy.WithOrigins(origins)).Build();
    }
}
