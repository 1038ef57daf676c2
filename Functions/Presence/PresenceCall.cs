using Serverless.Auth;
using Serverless.Calls;

namespace Serverless.Presence;

/// <summary>What every call of a session about its presence goes through first.</summary>
internal sealed class PresenceCall(ClientCall call, SessionOwners owners, RateLimits limits)
{
    public const int MaxChannels = 100;

    /// <exception cref="RefusedCallException">There is no accepted caller, no session, or it is somebody else's.</exception>
    public async Task<(Caller Caller, Guid Session)> RequireAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var caller = await call.RequireCallerAsync(request, cancellationToken);
        var session = call.RequireSession(request);
        await owners.RequireAsync(session, caller.Subject, cancellationToken);
        return (caller, session);
    }

    /// <exception cref="RefusedCallException">The session has made too many of late.</exception>
    /// <param name="kind">What is counted by itself: a heartbeat is never refused because of changes.</param>
    public void Take(Guid session, string kind, int count)
    {
        if (!limits.Take(LimitKind.Presence, $"{kind} {session:N}", count).IsTaken)
        {
            throw new RefusedCallException(new ErrorAnswer(
                StatusCodes.Status429TooManyRequests,
                "TooManyPresenceCalls",
                "The session changes its presence too often (Limits:PresencePerSecond). The channel stays as it is; try again in a moment."));
        }
    }
}
