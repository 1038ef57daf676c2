namespace Serverless.Subscriptions;

/// <summary>Something the developer should know of a subscription that was made: it reaches clients as a <c>system</c> message.</summary>
/// <param name="IsError">Whether part of what was asked for will never arrive.</param>
internal sealed record SubscriptionNote(bool IsError, string Message);
