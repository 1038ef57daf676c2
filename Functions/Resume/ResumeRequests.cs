using System.Text.Json.Serialization;

namespace Serverless.Resume;

/// <summary>The body of <c>channels/resume</c>.</summary>
internal sealed record ResumeBody
{
    [JsonPropertyName("channels")]
    public IReadOnlyList<ResumeChannelBody?>? Channels { get; init; }
}

internal sealed record ResumeChannelBody
{
    [JsonPropertyName("topic")]
    public string? Topic { get; init; }

    [JsonPropertyName("subscriptions")]
    public IReadOnlyList<ResumeSubscriptionBody?>? Subscriptions { get; init; }
}

/// <summary>How far a client has come with one subscription.</summary>
internal sealed record ResumeSubscriptionBody
{
    /// <summary>The subscription's number.</summary>
    [JsonPropertyName("id")]
    public long Id { get; init; }

    [JsonPropertyName("epoch")]
    public string? Epoch { get; init; }

    [JsonPropertyName("position")]
    public string? Position { get; init; }

    /// <summary>Where it has come further.</summary>
    [JsonPropertyName("tables")]
    public IReadOnlyList<TablePosition?>? Tables { get; init; }
}

internal sealed record TablePosition
{
    [JsonPropertyName("schema")]
    public string? Schema { get; init; }

    [JsonPropertyName("table")]
    public string? Table { get; init; }

    [JsonPropertyName("position")]
    public string? Position { get; init; }
}
