using Serverless.Calls;
using Serverless.Subscriptions;
using Serverless.Topics;

namespace Serverless.Presence;

/// <summary><c>GET presence/{topic}</c>: who is present, for a server, and for a client that has missed something.</summary>
internal static class TopicEndpoint
{
    public static async Task<IResult> HandleAsync(
        HttpRequest request, ClientCall call, PresenceStore store, TopicAuthorization authorization, CancellationToken cancellationToken)
    {
        var caller = await call.RequireCallerAsync(request, cancellationToken);
        var topic = RawPath.Segment(request, 0);
        if (TopicName.Check(topic) is { } refusal)
        {
            return refusal.ToResult();
        }

        var isPrivate = IsPrivate(request);
        if (isPrivate)
        {
            var claims = ClaimSet.Of(caller);
            if (!(await authorization.ToHearAsync(new TopicQuestion(caller.Role, claims.HexKey, claims.Text, topic), cancellationToken)).Presence)
            {
                return new ErrorAnswer(
                    StatusCodes.Status403Forbidden,
                    "Unauthorized",
                    "You do not have permission to hear presence on this private topic. A SELECT policy on realtime.messages has to allow it for this role and these claims.").ToResult();
            }
        }

        var snapshot = await store.LookAsync(new PresenceTopic(topic, isPrivate), cancellationToken);
        return Results.Json(new TopicAnswer(topic, isPrivate, snapshot.Version, snapshot.State), PresenceJson.Default.TopicAnswer);
    }

    private static bool IsPrivate(HttpRequest request)
    {
        var text = request.Query["private"].ToString();
        return text.Length > 0 && (bool.TryParse(text, out var isPrivate)
            ? isPrivate
            : throw new RefusedCallException(ErrorAnswer.BadRequest("InvalidBody", "The query's 'private' is neither 'true' nor 'false'.")));
    }
}
