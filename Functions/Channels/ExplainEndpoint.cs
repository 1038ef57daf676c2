using Serverless.Calls;
using Serverless.Subscriptions.Explanations;
using Serverless.Subscriptions;

namespace Serverless.Channels;

/// <summary>Tells a developer why a subscription receives what it does. Needs a caller, and no session.</summary>
internal static class ExplainEndpoint
{
    public static async Task<IResult> HandleAsync(
        HttpRequest request, ClientCall call, SubscriptionExplainer explainer, CancellationToken cancellationToken)
    {
        var caller = await call.RequireCallerAsync(request, cancellationToken);
        var body = await ClientCall.ReadBodyAsync(request, ExplanationJson.Default.ExplainRequest, cancellationToken);
        var subscription = body.Subscription
            ?? throw SubscriptionException.Invalid("InvalidBody", "The body has no 'subscription': an entry as in 'postgres_changes' of a join.");
        return AnswerJson.Of(await explainer.ExplainAsync(subscription, body, caller, cancellationToken), ExplanationJson.Default.Explanation);
    }
}
