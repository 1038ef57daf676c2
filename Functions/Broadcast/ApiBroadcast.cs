using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Serverless.Auth;
using Serverless.Calls;
using Serverless.Subscriptions;
using Serverless.Topics;

namespace Serverless.Broadcast;

/// <summary>Supabase's two broadcast routes, with its bodies, statuses and headers; what a caller may not send is refused and said, not swallowed.</summary>
/// <remarks>All or nothing: a call that is refused for one message has sent none.</remarks>
internal sealed class ApiBroadcast(
    CallerAuthentication authentication,
    TopicSender sender,
    KeptMessages kept,
    TopicAuthorization authorization,
    RateLimits rates,
    IOptions<LimitOptions> limits)
{
    private const int MostMessages = 1_000;
    private const int MostBodyBytes = 8 * 1024 * 1024;
    private const string Json = "application/json";
    private const string Binary = "application/octet-stream";

    /// <summary><c>POST /realtime/v1/api/broadcast</c>: any number of messages.</summary>
    public async Task<IResult> SendAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if ((await authentication.AuthenticateAsync(context.Request, cancellationToken)).Caller is not { } caller)
        {
            return Unauthorized();
        }

        JsonDocument body;
        try
        {
            body = JsonDocument.Parse(await ClientCall.ReadBytesAsync(context.Request, MostBodyBytes, cancellationToken), ApiMessages.Json);
        }
        catch (JsonException)
        {
            return ApiMessages.Unprocessable("""{"errors":{"messages":["is not JSON"]}}""");
        }

        using (body)
        {
            var messages = ApiMessages.Read(body.RootElement, MostMessages, limits.Value.PayloadBytes, out var errors);
            return errors is null ? await SendAllowedAsync(context, caller, messages, cancellationToken) : ApiMessages.Unprocessable(errors);
        }
    }

    /// <summary><c>POST /realtime/v1/api/broadcast/{topic}/events/{event}</c>: one message, whose payload is the body.</summary>
    public async Task<IResult> SendOneAsync(HttpContext context, string topic, string name, CancellationToken cancellationToken)
    {
        if ((await authentication.AuthenticateAsync(context.Request, cancellationToken)).Caller is not { } caller)
        {
            return Unauthorized();
        }

        var type = context.Request.ContentType?.Split(';')[0].Trim();
        if (!string.Equals(type, Json, StringComparison.OrdinalIgnoreCase) && !string.Equals(type, Binary, StringComparison.OrdinalIgnoreCase))
        {
            return Results.Text(
                """{"error":"Unsupported Media Type. Use application/json or application/octet-stream"}""", Json, Encoding.UTF8, StatusCodes.Status415UnsupportedMediaType);
        }

        var isPrivate = string.Equals(context.Request.Query["private"], "true", StringComparison.OrdinalIgnoreCase);
        var bytes = await ClientCall.ReadBytesAsync(context.Request, MostBodyBytes, cancellationToken);
        var isBinary = string.Equals(type, Binary, StringComparison.OrdinalIgnoreCase);
        var message = ApiMessages.ReadOne(topic, name, isPrivate, bytes, isBinary, limits.Value.PayloadBytes, out var errors);
        return message is null ? ApiMessages.Unprocessable(errors!) : await SendAllowedAsync(context, caller, [message], cancellationToken);
    }

    private async Task<IResult> SendAllowedAsync(HttpContext context, Caller caller, IReadOnlyList<TopicMessage> messages, CancellationToken cancellationToken)
    {
        var rate = rates.Take(LimitKind.ApiEvents, $"{caller.Role} {caller.Subject}", messages.Count);
        var headers = context.Response.Headers;
        headers["x-rate-rolling"] = rate.Rolling.ToString("0.##", CultureInfo.InvariantCulture);
        headers["x-rate-limit"] = rate.Limit.ToString(CultureInfo.InvariantCulture);
        headers["x-rate-limit-remaining"] = Math.Max(0, rate.Limit - rate.Rolling).ToString("0.##", CultureInfo.InvariantCulture);
        if (!rate.IsTaken)
        {
            return Results.Text("""{"message":"You have exceeded your rate limit"}""", Json, Encoding.UTF8, StatusCodes.Status429TooManyRequests);
        }

        var refused = await RefusedAsync(caller, messages.Where(message => message.IsPrivate).Select(message => message.Topic).Distinct(), cancellationToken);
        if (refused.Count > 0)
        {
            return Results.Text(ApiMessages.Refusal(refused), Json, Encoding.UTF8, StatusCodes.Status403Forbidden);
        }

        await sender.SendAsync(await kept.KeepAsync(messages, cancellationToken), cancellationToken);
        return Results.StatusCode(StatusCodes.Status202Accepted);
    }

    private async Task<List<string>> RefusedAsync(Caller caller, IEnumerable<string> topics, CancellationToken cancellationToken)
    {
        var claims = ClaimSet.Of(caller);
        var refused = new List<string>();
        foreach (var topic in topics)
        {
            if (!(await authorization.ToSendAsync(new TopicQuestion(caller.Role, claims.HexKey, claims.Text, topic), cancellationToken)).Broadcast)
            {
                refused.Add(topic);
            }
        }

        return refused;
    }

    private static IResult Unauthorized() => Results.Text("""{"message":"Unauthorized"}""", Json, Encoding.UTF8, StatusCodes.Status401Unauthorized);
}
