using Npgsql;
using Serverless.Calls;
using Serverless.ChangeLog;
using Serverless.Subscriptions;

namespace Serverless.Streams;

/// <summary>Holds a request against the database, as a join does, and finds the place where its stream begins.</summary>
internal sealed class StreamOpener(NpgsqlDataSource dataSource, SubscriptionResolver resolver)
{
    /// <exception cref="SubscriptionException">The subscription cannot be made.</exception>
    public async Task<StreamedTable> OpenAsync(StreamRequest request, CancellationToken cancellationToken)
    {
        var claims = ClaimSet.Of(request.Caller);
        var resolved = await ResolveAsync(request, claims, cancellationToken);

        // After the slot was seen to be there: what is committed from now on is captured.
        var from = request.From ?? await LogCursor.ReadEndAsync(dataSource, cancellationToken)
            ?? throw new SubscriptionException(
                "CaptureNotReady", StatusCodes.Status503ServiceUnavailable, "Changes of this database were never captured yet. Try again in a moment.");
        return new StreamedTable(resolved, claims, from);
    }

    private async Task<ResolvedSubscription> ResolveAsync(StreamRequest request, ClaimSet claims, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
            return await resolver.ResolveAsync(connection, request.Subscription, request.Caller.Role, claims, cancellationToken);
        }
        catch (PostgresException ex) when (ex.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            throw new RefusedCallException(ErrorAnswer.BadRequest(
                "InvalidValue", $"PostgreSQL cannot take a value of this request or of its token's claims (SQLSTATE {ex.SqlState}). Look for characters that it does not hold, such as U+0000."));
        }
    }
}
