using System.Text.Json.Serialization;
using Serverless.Calls;
using Serverless.ChangeLog;

namespace Serverless.Resume;

/// <summary>What one channel has missed, or why that cannot be said.</summary>
internal sealed record ResumeAnswer
{
    [JsonPropertyName("topic")]
    public required string Topic { get; init; }

    [JsonPropertyName("status")]
    public required string Status { get; init; }

    /// <summary>As they would have come by SignalR.</summary>
    [JsonPropertyName("messages"), JsonConverter(typeof(RawJsonConverter))]
    public ReadOnlyMemory<byte>? Messages { get; init; }

    [JsonPropertyName("subscriptions")]
    public IReadOnlyList<ResumedSubscription>? Subscriptions { get; init; }

    [JsonPropertyName("statusCode")]
    public int? StatusCode { get; init; }

    [JsonPropertyName("code")]
    public string? Code { get; init; }

    [JsonPropertyName("message")]
    public string? Message { get; init; }

    public static ResumeAnswer Refused(string topic, ErrorAnswer error) =>
        new() { Topic = topic, Status = "error", StatusCode = error.StatusCode, Code = error.Code, Message = error.Message };
}

internal sealed record ResumedSubscription
{
    [JsonPropertyName("id")]
    public required long Id { get; init; }

    [JsonPropertyName("more")]
    public bool? More { get; init; }

    /// <summary>How far each table was read.</summary>
    [JsonPropertyName("tables")]
    public IReadOnlyList<TablePosition>? Tables { get; init; }

    [JsonPropertyName("gap")]
    public Gap? Gap { get; init; }

    [JsonPropertyName("cursor")]
    public CursorAnswer? Cursor { get; init; }
}

/// <summary>Why what was missed cannot be given.</summary>
internal sealed record Gap([property: JsonPropertyName("reason")] string Reason, [property: JsonPropertyName("message")] string Message)
{
    public static Gap EpochChanged { get; } = new(
        "EpochChanged",
        "The stream of changes began anew: its replication slot was lost, or the database was restored or failed over. Changes in between are not known. Read the table again.");

    public static Gap LogEmptied { get; } = new(
        "LogEmptied", "The database crashed, and the log of changes with it. Changes from before that cannot be given. Read the table again.");

    public static Gap WindowPassed { get; } = new(
        "WindowPassed", "Changes from so long ago are not kept (ChangeLog:Retention, ChangeLog:MaxBytes). Read the table again.");
}

internal sealed record ResumeAnswers([property: JsonPropertyName("channels")] IReadOnlyList<ResumeAnswer> Channels);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ResumeBody))]
[JsonSerializable(typeof(ResumeAnswers))]
internal sealed partial class ResumeJson : JsonSerializerContext;
