using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR.DataPlane;

/// <summary>Checks what every call must have: a token for exactly this URL, the API version, a hub that is served, names within bounds.</summary>
internal sealed class DataPlaneGate(AccessKeyTokens tokens, IOptions<DeliveryOptions> options) : IEndpointFilter
{
    public const string ApiVersion = "2022-06-01";

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var call = context.GetArgument<DataPlaneCall>(0);
        return CheckToken(call) ?? CheckVersion(call.Http) ?? CheckHub(call) ?? CheckNames(call) ?? await next(context);
    }

    public static DataPlaneError? CheckVersion(HttpContext http) => http.Request.Query["api-version"].ToString() switch
    {
        "" => DataPlaneError.Invalid("api-version", $"The query must have api-version={ApiVersion}."),
        ApiVersion => null,
        _ => DataPlaneError.Invalid("api-version", $"This look-alike serves api-version={ApiVersion} only."),
    };

    private DataPlaneError? CheckToken(DataPlaneCall call)
    {
        var header = call.Http.Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return Unauthorized(call, "A token is needed: 'Authorization: Bearer <jwt>'.");
        }

        if (tokens.Read(header["Bearer ".Length..].Trim(), out var refusal) is not { } token)
        {
            return Unauthorized(call, refusal);
        }

        return token.Audiences.Any(audience => IsThisUrl(audience, call)) ? null : Unauthorized(call, "The token is for another URL (aud) than the one called.");
    }

    private static DataPlaneError Unauthorized(DataPlaneCall call, string message)
    {
        call.Http.Response.Headers.WWWAuthenticate = "Bearer";
        return new DataPlaneError(StatusCodes.Status401Unauthorized, "Unauthorized", message);
    }

    // Azure's documentation has the URL without its query, its SDK with it; both are accepted there, and a slash at the end.
    private static bool IsThisUrl(string audience, DataPlaneCall call)
    {
        var request = call.Http.Request;
        var parts = audience.Split('?', 2);
        return string.Equals(parts[0].TrimEnd('/'), $"{request.Scheme}://{request.Host}{call.RawPath}".TrimEnd('/'), StringComparison.Ordinal)
            && (parts.Length == 1 || string.Equals("?" + parts[1], request.QueryString.Value, StringComparison.Ordinal));
    }

    private DataPlaneError? CheckHub(DataPlaneCall call)
    {
        var application = call.Http.Request.Query["application"];
        if (!HubName.IsValid(call.Hub))
        {
            return DataPlaneError.Invalid("hub", "A hub's name is a letter followed by up to 127 letters, digits and _`,.[].");
        }

        if (!StringValues.IsNullOrEmpty(application) && !HubName.IsValid(application.ToString()))
        {
            return DataPlaneError.Invalid("application", "An application's name is a letter followed by up to 127 letters, digits and _`,.[].");
        }

        var hub = StringValues.IsNullOrEmpty(application) ? call.Hub : $"{application}_{call.Hub}";
        return string.Equals(hub, options.Value.Hub, StringComparison.Ordinal)
            ? null
            : DataPlaneError.Invalid("hub", $"This look-alike serves the hub '{options.Value.Hub}' only, not '{hub}'. Set Realtime:Hub alike on both sides.");
    }

    private static DataPlaneError? CheckNames(DataPlaneCall call) =>
        CheckName("group", call.Group) ?? CheckName("user", call.User) ?? CheckName("connectionId", call.ConnectionId);

    private static DataPlaneError? CheckName(string what, string? name) =>
        name is null || (name.Length is > 0 and <= DeliveryLimits.MaxNameLength && !string.IsNullOrWhiteSpace(name))
            ? null
            : DataPlaneError.Invalid(what, $"The {what} must have 1 to {DeliveryLimits.MaxNameLength} characters and not be blank.");
}
