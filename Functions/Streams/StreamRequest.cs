using Serverless.Auth;
using Serverless.ChangeLog;
using Serverless.Subscriptions;

namespace Serverless.Streams;

/// <summary>What is to be streamed, and to whom.</summary>
/// <param name="Caller">Whose rights count.</param>
/// <param name="From">The place that the client has come to; null for the present.</param>
internal sealed record StreamRequest(Caller Caller, SubscriptionRequest Subscription, LogCursor? From);
