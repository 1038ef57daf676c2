using System.Text.Json.Serialization;

namespace Serverless.Subscriptions.Explanations;

/// <summary>Why a subscription receives what it does, and at what cost. Tells a caller nothing of other subscribers, of policies' texts, or of rows he may not read.</summary>
internal sealed record Explanation
{
    [JsonPropertyName("subscription")]
    public required SubscriptionRequest Subscription { get; init; }

    [JsonPropertyName("policies")]
    public required string Policies { get; init; }

    [JsonPropertyName("index")]
    public required ExplainedIndex Index { get; init; }

    [JsonPropertyName("cost")]
    public required string Cost { get; init; }

    /// <summary>Whether everybody of the role who asks the same shares one send, or only those with the same claims.</summary>
    [JsonPropertyName("shared_by_role")]
    public required bool IsSharedByRole { get; init; }

    [JsonPropertyName("notes")]
    public required IReadOnlyList<string> Notes { get; init; }

    [JsonPropertyName("row")]
    public ExplainedRow? Row { get; init; }

    /// <summary>The policies' expression, told to the service role alone.</summary>
    [JsonPropertyName("policy_sql")]
    public string? PolicySql { get; init; }
}

/// <param name="Kind"><c>equal</c>, <c>range</c>, <c>none</c> where every change is looked at, or <c>never</c> where nothing can ever match.</param>
internal sealed record ExplainedIndex(
    [property: JsonPropertyName("kind")] string Kind,
    [property: JsonPropertyName("columns")] IReadOnlyList<string> Columns);

/// <param name="Found">False where there is no such row, and where the caller may not read it: the answer does not tell which.</param>
/// <param name="Failure">Why it could not be found out whether the caller may read the row.</param>
/// <param name="Delivered">Whether an INSERT or UPDATE that leaves this row as it is now would arrive.</param>
internal sealed record ExplainedRow(
    [property: JsonPropertyName("found")] bool Found,
    [property: JsonPropertyName("clauses")] IReadOnlyList<ExplainedClause>? Clauses,
    [property: JsonPropertyName("delivered")] bool Delivered,
    [property: JsonPropertyName("failure")] string? Failure = null);

/// <param name="Verdict">Null where SQL's answer is null, which does not select.</param>
internal sealed record ExplainedClause(
    [property: JsonPropertyName("clause")] string Clause,
    [property: JsonPropertyName("verdict")] bool? Verdict);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ExplainRequest))]
[JsonSerializable(typeof(Explanation))]
internal sealed partial class ExplanationJson : JsonSerializerContext;
