using System.Text.Json.Serialization;
using Serverless.Auth;
using Serverless.Subscriptions;
using Serverless.Subscriptions.Registry;

namespace Serverless.Channels;

/// <summary>What became of one channel: joined, or refused with a reason.</summary>
internal sealed record ChannelAnswer
{
    [JsonPropertyName("topic")]
    public required string Topic { get; init; }

    [JsonPropertyName("status")]
    public required string Status { get; init; }

    [JsonPropertyName("postgres_changes")]
    public IReadOnlyList<BindingAnswer>? PostgresChanges { get; init; }

    [JsonPropertyName("system")]
    public IReadOnlyList<SystemNote>? System { get; init; }

    [JsonPropertyName("statusCode")]
    public int? StatusCode { get; init; }

    [JsonPropertyName("code")]
    public string? Code { get; init; }

    [JsonPropertyName("message")]
    public string? Message { get; init; }

    public static ChannelAnswer Ok(string topic) => new() { Topic = topic, Status = "ok" };

    public static ChannelAnswer Joined(ChannelJoin join, IReadOnlyList<ResolvedSubscription> resolved, IReadOnlyList<Registered> registered) => Ok(join.Topic) with
    {
        PostgresChanges = [.. join.Requests.Zip(registered, (request, subscription) => new BindingAnswer
        {
            Id = subscription.Number, Event = request.Event, Schema = request.Schema, Table = request.Table, Filter = request.Filter,
        })],
        System = resolved.Count == 0
            ? null
            : [
                .. resolved.SelectMany(subscription => subscription.Notes).Select(SystemNote.Of).Distinct(),
                new SystemNote("postgres_changes", "ok", "Subscribed to PostgreSQL"),
            ],
    };

    public static ChannelAnswer Refused(string topic, ErrorAnswer error) =>
        new() { Topic = topic, Status = "error", StatusCode = error.StatusCode, Code = error.Code, Message = error.Message };
}

/// <summary>A subscription as it was asked for, with its number.</summary>
internal sealed record BindingAnswer
{
    [JsonPropertyName("id")]
    public required long Id { get; init; }

    [JsonPropertyName("event")]
    public string? Event { get; init; }

    [JsonPropertyName("schema")]
    public string? Schema { get; init; }

    [JsonPropertyName("table")]
    public string? Table { get; init; }

    [JsonPropertyName("filter")]
    public string? Filter { get; init; }
}

internal sealed record SystemNote(
    [property: JsonPropertyName("extension")] string Extension,
    [property: JsonPropertyName("status")] string Status,
    [property: JsonPropertyName("message")] string Message)
{
    public static SystemNote Of(SubscriptionNote note) => new("postgres_changes", note.IsError ? "error" : "ok", note.Message);
}

internal sealed record ChannelAnswers([property: JsonPropertyName("channels")] IReadOnlyList<ChannelAnswer> Channels);

/// <summary>The body of every answer that refuses.</summary>
internal sealed record ErrorAnswer(
    [property: JsonIgnore] int StatusCode,
    [property: JsonPropertyName("code")] string Code,
    [property: JsonPropertyName("message")] string Message)
{
    public static ErrorAnswer For(TokenError error) => new(error.StatusCode(), error.Code(), error.Message());

    public static ErrorAnswer For(SubscriptionException error) => new(error.StatusCode, error.Code, error.Message);

    public static ErrorAnswer BadRequest(string code, string message) => new(StatusCodes.Status400BadRequest, code, message);

    public IResult ToResult() => Results.Json(this, ChannelsJson.Default.ErrorAnswer, statusCode: StatusCode);
}

internal sealed record NegotiateAnswer(
    [property: JsonPropertyName("url")] string Url,
    [property: JsonPropertyName("accessToken")] string AccessToken,
    [property: JsonPropertyName("session")] string Session,
    [property: JsonPropertyName("sessionToken")] string SessionToken,
    [property: JsonPropertyName("expiresIn")] int ExpiresIn);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JoinBody))]
[JsonSerializable(typeof(LeaveBody))]
[JsonSerializable(typeof(AccessTokenBody))]
[JsonSerializable(typeof(ChannelAnswer))]
[JsonSerializable(typeof(ChannelAnswers))]
[JsonSerializable(typeof(ErrorAnswer))]
[JsonSerializable(typeof(NegotiateAnswer))]
internal sealed partial class ChannelsJson : JsonSerializerContext;
