using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serverless.Calls;

namespace Serverless.Broadcast;

/// <summary>Reads the bodies of Supabase's broadcast routes, and says as Supabase does what is wrong with each message.</summary>
internal static class ApiMessages
{
    public static JsonDocumentOptions Json { get; } = new() { MaxDepth = MessageReader.MaxDepth };

    /// <param name="errors">The body of the answer where something is wrong; then nothing of the call is sent.</param>
    public static IReadOnlyList<TopicMessage> Read(JsonElement body, int most, int payloadBytes, out string? errors)
    {
        if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty("messages"u8, out var list) || list.ValueKind != JsonValueKind.Array)
        {
            errors = """{"errors":{"messages":["can't be blank"]}}""";
            return [];
        }

        if (list.GetArrayLength() > most)
        {
            errors = new JsonObject { ["errors"] = new JsonObject { ["messages"] = new JsonArray($"has {list.GetArrayLength()} elements; at most {most} are accepted") } }.ToJsonString(AnswerJson.Options);
            return [];
        }

        var messages = new List<TopicMessage>(list.GetArrayLength());
        var wrong = new JsonArray();
        foreach (var element in list.EnumerateArray())
        {
            var reasons = new JsonObject();
            if (ReadElement(element, payloadBytes, reasons) is { } message)
            {
                messages.Add(message);
            }

            wrong.Add((JsonNode)reasons);
        }

        errors = wrong.Any(reasons => ((JsonObject)reasons!).Count > 0)
            ? new JsonObject { ["errors"] = new JsonObject { ["messages"] = wrong } }.ToJsonString(AnswerJson.Options)
            : null;
        return messages;
    }

    public static TopicMessage? ReadOne(string topic, string name, bool isPrivate, ReadOnlyMemory<byte> body, bool isBinary, int payloadBytes, out string? errors)
    {
        var reasons = new JsonObject();
        Check("topic", TopicName.Check(topic), reasons);
        Check("event", MessageReader.CheckEvent(name), reasons);
        CheckSize(body.Length, payloadBytes, reasons);
        if (!isBinary && !IsJson(body))
        {
            reasons["payload"] = new JsonArray("is not JSON");
        }

        errors = reasons.Count > 0 ? new JsonObject { ["errors"] = reasons }.ToJsonString(AnswerJson.Options) : null;
        return errors is null ? new TopicMessage(topic, isPrivate, name, isBinary ? Encoding.UTF8.GetBytes(Convert.ToBase64String(body.Span)) : body.ToArray(), isBinary) : null;
    }

    public static string Refusal(IEnumerable<string> topics)
    {
        var names = new JsonArray();
        foreach (var topic in topics)
        {
            names.Add(topic);
        }

        return new JsonObject { ["message"] = "Unauthorized", ["topics"] = names }.ToJsonString(AnswerJson.Options);
    }

    public static IResult Unprocessable(string errors) => Results.Text(errors, "application/json", Encoding.UTF8, StatusCodes.Status422UnprocessableEntity);

    private static TopicMessage? ReadElement(JsonElement element, int payloadBytes, JsonObject reasons)
    {
        var topic = TextOf(element, "topic");
        var name = TextOf(element, "event");
        Check("topic", TopicName.Check(topic), reasons);
        Check("event", MessageReader.CheckEvent(name), reasons);
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty("payload"u8, out var payload) || payload.ValueKind == JsonValueKind.Null)
        {
            reasons["payload"] = new JsonArray("can't be blank");
            return null;
        }

        if (payload.ValueKind != JsonValueKind.Object)
        {
            reasons["payload"] = new JsonArray("is invalid: a JSON object is expected");
        }

        var json = Encoding.UTF8.GetBytes(payload.GetRawText());
        CheckSize(json.Length, payloadBytes, reasons);
        var isPrivate = element.TryGetProperty("private"u8, out var flag) && flag.ValueKind == JsonValueKind.True;
        return reasons.Count == 0 ? new TopicMessage(topic!, isPrivate, name!, json, IsBinary: false) : null;
    }

    private static void Check(string member, ErrorAnswer? refusal, JsonObject reasons)
    {
        if (refusal is not null)
        {
            reasons[member] = new JsonArray(refusal.Message);
        }
    }

    private static void CheckSize(int size, int most, JsonObject reasons)
    {
        if (size > most)
        {
            reasons["payload"] = new JsonArray($"Payload size exceeds the limit: {size} bytes, at most {most} are accepted");
        }
    }

    private static string? TextOf(JsonElement element, string member) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool IsJson(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Json);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
