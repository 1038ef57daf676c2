namespace Serverless.Subscriptions.Policies;

/// <summary>What a statement is asked: for each claim set, about which rows.</summary>
/// <param name="Rows">JSON objects.</param>
/// <param name="Sets">Arrays of places in <paramref name="Rows"/>, from 1, as PostgreSQL writes arrays.</param>
/// <param name="Claims">The claim sets, JSON objects.</param>
/// <param name="SetOf">For each claim set the place of its rows in <paramref name="Sets"/>, from 1.</param>
internal sealed record ClaimQuestions(string[] Rows, string[] Sets, string[] Claims, int[] SetOf)
{
    public static ClaimQuestions WithoutRows(IReadOnlyList<string> claims) => new([], ["{}"], [.. claims], [.. claims.Select(_ => 1)]);
}

/// <summary>PostgreSQL's answer for one claim set, or the reason why there is none.</summary>
internal readonly record struct ClaimAnswer(string? Text, PolicyFailure? Failure);
