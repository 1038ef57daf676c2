using System.Text.Json.Serialization;
using Serverless.Calls;

namespace Serverless.Broadcast;

/// <summary>What became of one message.</summary>
internal sealed record MessageAnswer
{
    [JsonPropertyName("status")]
    public required string Status { get; init; }

    [JsonPropertyName("statusCode")]
    public int? StatusCode { get; init; }

    [JsonPropertyName("code")]
    public string? Code { get; init; }

    [JsonPropertyName("message")]
    public string? Message { get; init; }

    public static MessageAnswer Ok { get; } = new() { Status = "ok" };

    public static MessageAnswer Refused(ErrorAnswer error) => new() { Status = "error", StatusCode = error.StatusCode, Code = error.Code, Message = error.Message };
}

internal sealed record MessageAnswers([property: JsonPropertyName("messages")] IReadOnlyList<MessageAnswer> Messages);
