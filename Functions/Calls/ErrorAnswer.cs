using System.Text.Json.Serialization;
using Serverless.Auth;
using Serverless.Subscriptions;

namespace Serverless.Calls;

/// <summary>The body of every answer that refuses.</summary>
internal sealed record ErrorAnswer(
    [property: JsonIgnore] int StatusCode,
    [property: JsonPropertyName("code")] string Code,
    [property: JsonPropertyName("message")] string Message)
{
    public static ErrorAnswer For(TokenError error) => new(error.StatusCode(), error.Code(), error.Message());

    public static ErrorAnswer For(SubscriptionException error) => new(error.StatusCode, error.Code, error.Message);

    public static ErrorAnswer BadRequest(string code, string message) => new(StatusCodes.Status400BadRequest, code, message);

    public IResult ToResult() => AnswerJson.Of(this, CallsJson.Default.ErrorAnswer, StatusCode);
}

[JsonSerializable(typeof(ErrorAnswer))]
internal sealed partial class CallsJson : JsonSerializerContext;
