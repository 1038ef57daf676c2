using System.Text.Json.Serialization;

namespace Serverless.Subscriptions;

/// <summary>One entry of <c>config.postgres_changes</c>, as a client sends it. Kept as sent, to be judged anew under a new token.</summary>
internal sealed record SubscriptionRequest
{
    [JsonPropertyName("event")]
    public string? Event { get; init; }

    [JsonPropertyName("schema")]
    public string? Schema { get; init; }

    [JsonPropertyName("table")]
    public string? Table { get; init; }

    [JsonPropertyName("filter")]
    public string? Filter { get; init; }

    /// <summary>The columns to send, the key always among them; null for all.</summary>
    [JsonPropertyName("select")]
    public IReadOnlyList<string?>? Select { get; init; }

    /// <summary>Whether rows that leave the subscriber's sight are to be told as deletes of their key.</summary>
    [JsonPropertyName("leave")]
    public bool Leave { get; init; }
}
