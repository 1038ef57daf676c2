using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Serverless.Calls;

/// <summary>Writes answers with quotes and letters as they are: a message is read in a terminal, and an answer is <c>application/json</c>, never a part of a page.</summary>
internal static class AnswerJson
{
    /// <summary>For what is written without a type of its own.</summary>
    public static JsonSerializerOptions Options { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static IResult Of<T>(T answer, JsonTypeInfo<T> type, int? statusCode = null) => Results.Json(answer, Plain<T>.Of(type), statusCode: statusCode);

    // The generated contexts cannot be given an encoder, so each type of answer has a copy of its context's options that has one.
    private static class Plain<T>
    {
        private static JsonTypeInfo<T>? _type;

        public static JsonTypeInfo<T> Of(JsonTypeInfo<T> type) =>
            _type ??= (JsonTypeInfo<T>)new JsonSerializerOptions(type.Options) { Encoder = Options.Encoder }.GetTypeInfo(typeof(T));
    }
}
