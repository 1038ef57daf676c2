using Serverless.Auth;
using Serverless.Calls;
using Serverless.ChangeLog;
using Serverless.Subscriptions;

namespace Serverless.Streams;

/// <summary>Reads a request for a stream, and says what is wrong with it. A browser's <c>EventSource</c> sends no headers of the page's own, so everything may stand in the query.</summary>
internal sealed class StreamRequestReader(ClientCall call, JwtVerifier verifier)
{
    /// <exception cref="RefusedCallException">The caller is not known, or the request makes no sense.</exception>
    public async Task<StreamRequest> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var caller = await ReadCallerAsync(request, cancellationToken);
        var table = Text(request, "table");
        if (table is null or GroupDefinition.Any)
        {
            // The changes of several tables are logged side by side, in an order that no single id could tell the place of.
            throw new RefusedCallException(ErrorAnswer.BadRequest(
                "InvalidTable", $"The query parameter 'table' is {(table is null ? "missing" : "'*'")}; a stream is of one table. Name it, and open a stream for each that you follow."));
        }

        var subscription = new SubscriptionRequest { Schema = Text(request, "schema"), Table = table, Event = Text(request, "event"), Filter = Text(request, "filter") };
        return new StreamRequest(caller, subscription, ReadPlace(request));
    }

    private async ValueTask<Caller> ReadCallerAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var caller = await call.RequireCallerAsync(request, cancellationToken);

        // As in a join: Supabase's newer API keys are no tokens, and the call's own key decides then.
        if (Text(request, "access_token") is not { } token || token.StartsWith("sb_", StringComparison.Ordinal))
        {
            return caller;
        }

        var verdict = await verifier.VerifyAsync(token, cancellationToken);
        return verdict.Caller ?? throw new RefusedCallException(ErrorAnswer.For(verdict.Error));
    }

    // The header comes with a reconnect and is newer than what the address says.
    private static LogCursor? ReadPlace(HttpRequest request)
    {
        var header = request.Headers["Last-Event-ID"].ToString();
        if ((header.Length > 0 ? header : Text(request, "lastEventId")) is not { } id)
        {
            return null;
        }

        return EventId.Parse(id) ?? throw new RefusedCallException(ErrorAnswer.BadRequest(
            "InvalidResume", "This is no place to resume from: 'Last-Event-ID' (or 'lastEventId') is not the id of an event of this stream. Send it as it came, or none to begin with the present."));
    }

    private static string? Text(HttpRequest request, string name) => request.Query[name].ToString() is { Length: > 0 } text ? text : null;
}
