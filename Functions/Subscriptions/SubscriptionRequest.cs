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

    /// <summary>Supabase's choice of columns. Refused where it is given, since sending other columns than asked for would be worse.</summary>
    [JsonPropertyName("select")]
    public IReadOnlyList<string>? Select { get; init; }
}
