using System.Text.Json;
using Microsoft.Extensions.Options;
using Serverless.Calls;
using Serverless.Presence.Tables;

namespace Serverless.Presence;

/// <summary><c>presence/heartbeat</c>: a session that is present says that it still is.</summary>
internal static class HeartbeatEndpoint
{
    private const int MaxBodyBytes = 4096;

    public static async Task<IResult> HandleAsync(
        HttpRequest request, PresenceCall call, PresenceStore store, PresenceTables tables, IOptions<PresenceOptions> options, CancellationToken cancellationToken)
    {
        var (caller, session) = await call.RequireAsync(request, cancellationToken);
        call.Take(session, "heartbeat", 1);
        var status = await ReadStatusAsync(request, cancellationToken);
        var tracked = await store.HeartbeatAsync(session, cancellationToken);
        if (caller.Subject is { } subject)
        {
            await tables.HeartbeatAsync(subject, status, cancellationToken);
        }

        return Results.Json(
            new HeartbeatAnswer(options.Value.IntervalSeconds, [.. tracked.Select(topic => topic.Name).Distinct(StringComparer.Ordinal)]), PresenceJson.Default.HeartbeatAnswer);
    }

    private static async Task<string?> ReadStatusAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var body = await ClientCall.ReadBytesAsync(request, MaxBodyBytes, cancellationToken);
        if (body.IsEmpty)
        {
            return null;
        }

        try
        {
            var status = JsonSerializer.Deserialize(body.Span, PresenceJson.Default.HeartbeatBody)?.Status;
            return status is null || PresenceTables.Statuses.Contains(status)
                ? status
                : throw new RefusedCallException(ErrorAnswer.BadRequest("InvalidStatus", $"'status' is none of {string.Join(", ", PresenceTables.Statuses)}."));
        }
        catch (JsonException)
        {
            throw new RefusedCallException(ErrorAnswer.BadRequest("InvalidBody", "The body is not a JSON object with at most a text 'status'. See docs/protocol.md."));
        }
    }
}
