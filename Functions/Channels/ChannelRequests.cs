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
    [JsonPropertyName("private"), JsonConverter(typeof(LenientBoolean))]
    public bool Private { get; init; }

    [JsonPropertyName("broadcast")]
    public BroadcastConfig? Broadcast { get; init; }

    [JsonPropertyName("presence")]
    public PresenceConfig? Presence { get; init; }

    [JsonPropertyName("postgres_changes")]
    public IReadOnlyList<SubscriptionRequest?>? PostgresChanges { get; init; }
}

internal sealed record BroadcastConfig
{
    [JsonPropertyName("replay")]
    public ReplayConfig? Replay { get; init; }

    [JsonPropertyName("replication_ready"), JsonConverter(typeof(LenientBoolean))]
    public bool ReplicationReady { get; init; }
}

/// <summary>Which messages from before the join are wanted.</summary>
internal sealed record ReplayConfig
{
    /// <summary>Milliseconds since 1970.</summary>
    [JsonPropertyName("since")]
    public long? Since { get; init; }

    [JsonPropertyName("limit")]
    public int? Limit { get; init; }
}

internal sealed record PresenceConfig
{
    [JsonPropertyName("enabled"), JsonConverter(typeof(LenientBoolean))]
    public bool Enabled { get; init; }

    [JsonPropertyName("key")]
    public string? Key { get; init; }
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
