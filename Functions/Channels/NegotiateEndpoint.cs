using Microsoft.Extensions.Options;
using Serverless.Auth;
using Serverless.Calls;
using Serverless.Delivery;

namespace Serverless.Channels;

/// <summary>Begins a session: a SignalR user of its own, and the token that ties HTTP calls to it. Nothing is stored; the database is not asked.</summary>
internal static class NegotiateEndpoint
{
    /// <summary>How long the SignalR token is good for; transports that send it with every request connect anew after that.</summary>
    private static readonly TimeSpan _accessLifetime = TimeSpan.FromHours(1);

    public static async Task<IResult> HandleAsync(
        HttpRequest request,
        ClientCall call,
        SessionTokens sessions,
        IRealtimeDelivery delivery,
        IOptions<ChannelOptions> options,
        CancellationToken cancellationToken)
    {
        await call.RequireCallerAsync(request, cancellationToken);
        var session = Guid.NewGuid();
        var origin = PublicOrigin.Of(request, options.Value.PublicUrl);
        var access = await delivery.GrantAccessAsync(session.ToString("N"), origin, _accessLifetime, cancellationToken);
        var answer = new NegotiateAnswer(
            access.Url.ToString(), access.AccessToken, session.ToString("N"), sessions.Issue(session), (int)sessions.Lifetime.TotalSeconds);
        return AnswerJson.Of(answer, ChannelsJson.Default.NegotiateAnswer);
    }
}
