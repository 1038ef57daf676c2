using System.Text.Json;
using System.Text.Json.Serialization;

namespace Serverless.Subscriptions.Explanations;

/// <summary>A subscription that a caller asks about, and a row by its primary key if it likes.</summary>
internal sealed record ExplainRequest
{
    [JsonPropertyName("subscription")]
    public SubscriptionRequest? Subscription { get; init; }

    /// <summary>The primary key's columns and their values.</summary>
    [JsonPropertyName("row")]
    public JsonElement? Row { get; init; }

    /// <summary>The role to explain it for; the caller's own where absent. For the service role alone.</summary>
    [JsonPropertyName("role")]
    public string? Role { get; init; }

    /// <summary>The claims to explain it for, an object; the caller's own where absent. For the service role alone.</summary>
    [JsonPropertyName("claims")]
    public JsonElement? Claims { get; init; }
}
