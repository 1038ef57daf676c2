using System.Text.Json.Serialization;
using Serverless.Auth;
using Serverless.Calls;
using Serverless.ChangeLog;
using Serverless.Subscriptions.Registry;
using Serverless.Presence;
using Serverless.Subscriptions;

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

    /// <summary>Who is present, where that was asked for and may be heard.</summary>
    [JsonPropertyName("presence")]
    public JoinedPresence? Presence { get; init; }

    /// <summary>Messages from before the join, oldest first, each an object as receivers get it.</summary>
    [JsonPropertyName("replay"), JsonConverter(typeof(RawJsonConverter))]
    public ReadOnlyMemory<byte>? Replay { get; init; }

    /// <summary>Every change after it reaches the client; null where it has no subscriptions.</summary>
    [JsonPropertyName("cursor")]
    public CursorAnswer? Cursor { get; init; }

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
        System = NotesOn(join, resolved),
    };

    private static List<SystemNote>? NotesOn(ChannelJoin join, IReadOnlyList<ResolvedSubscription> resolved)
    {
        List<SystemNote> notes = [.. resolved.SelectMany(subscription => subscription.Notes).Select(SystemNote.Of).Distinct()];
        if (resolved.Count > 0)
        {
            notes.Add(new SystemNote("postgres_changes", "ok", "Subscribed to PostgreSQL"));
        }

        if (join.WantsReplicationReady)
        {
            // Joins are not taken before capture streams, or elsewhere keeps the slot for when it does.
            notes.Add(new SystemNote("system", "ok", "Replication connection established"));
        }

        return notes.Count == 0 ? null : notes;
    }

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
[JsonSerializable(typeof(NegotiateAnswer))]
internal sealed partial class ChannelsJson : JsonSerializerContext;
