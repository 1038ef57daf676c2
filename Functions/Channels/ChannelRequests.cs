using System.Text.Json.Serialization;
using Serverless.Subscriptions;

namespace Serverless.Channels;

/// <summary>The body of <c>channels/join</c>: one channel, or several in <see cref="Channels"/>.</summary>
internal sealed record JoinBody
{
    [JsonPropertyName("topic")]
    public string? Topic { get; init; }

    [JsonPropertyName("access_token")]
    public string? AccessToken { get; init; }

    [JsonPropertyName("config")]
    public ChannelConfig? Config { get; init; }

    [JsonPropertyName("channels")]
    public IReadOnlyList<JoinBody?>? Channels { get; init; }
}

internal sealed record ChannelConfig
{
    [JsonPropertyName("postgres_changes")]
    public IReadOnlyList<SubscriptionRequest?>? PostgresChanges { get; init; }
}

/// <summary>The body of <c>channels/leave</c>.</summary>
internal sealed record LeaveBody
{
    [JsonPropertyName("topic")]
    public string? Topic { get; init; }

    [JsonPropertyName("channels")]
    public IReadOnlyList<LeaveBody?>? Channels { get; init; }
}

/// <summary>The body of <c>channels/access-token</c>.</summary>
internal sealed record AccessTokenBody
{
    [JsonPropertyName("access_token")]
    public string? AccessToken { get; init; }

    [JsonPropertyName("topics")]
    public IReadOnlyList<string>? Topics { get; init; }
}
