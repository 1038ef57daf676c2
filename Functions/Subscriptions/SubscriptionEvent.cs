using Serverless.Changes;

namespace Serverless.Subscriptions;

/// <summary>Which kinds of change a subscription wants.</summary>
internal enum SubscriptionEvent
{
    All,
    Insert,
    Update,
    Delete,
}

internal static class SubscriptionEvents
{
    public static SubscriptionEvent Parse(string? name) => name?.ToUpperInvariant() switch
    {
        null or "" or "*" => SubscriptionEvent.All,
        "INSERT" => SubscriptionEvent.Insert,
        "UPDATE" => SubscriptionEvent.Update,
        "DELETE" => SubscriptionEvent.Delete,
        _ => throw SubscriptionException.Invalid("InvalidEvent", $"Event '{name}' is not one of '*', 'INSERT', 'UPDATE', 'DELETE'."),
    };

    public static string Name(this SubscriptionEvent wanted) => wanted switch
    {
        SubscriptionEvent.All => "*",
        SubscriptionEvent.Insert => "INSERT",
        SubscriptionEvent.Update => "UPDATE",
        SubscriptionEvent.Delete => "DELETE",
        _ => throw new ArgumentOutOfRangeException(nameof(wanted), wanted, "Not an event."),
    };

    public static bool Wants(this SubscriptionEvent wanted, ChangeKind kind) => wanted switch
    {
        SubscriptionEvent.All => true,
        SubscriptionEvent.Insert => kind is ChangeKind.Insert,
        SubscriptionEvent.Update => kind is ChangeKind.Update,
        SubscriptionEvent.Delete => kind is ChangeKind.Delete,
        _ => false,
    };
}
