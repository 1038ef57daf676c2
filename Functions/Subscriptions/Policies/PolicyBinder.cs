using System.Text.Json;
using Npgsql;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies.Reduction;

namespace Serverless.Subscriptions.Policies;

/// <summary>What a table's policies are for one claim set.</summary>
/// <param name="Predicate">False for every row where the policies failed.</param>
internal sealed record BoundPolicy(Predicate Predicate, PolicyFailure? Failure);

/// <summary>Puts claims into a policy that was taken apart: PostgreSQL computes, as the role and for each claim set, the values that columns are compared with.</summary>
/// <remarks>
/// The predicates hold as long as the policy's fingerprint. Where the policy could not be taken apart entirely, they answer <see cref="Truth.Ask"/> for
/// the rows that have to be judged. A value that cannot be computed fails the claim set, even where PostgreSQL might never have come to compute it. The connection's time zone, date style and byte format must be those that images are written in, as the service's own are.
/// </remarks>
internal sealed class PolicyBinder(TimeSpan limit, TimeProvider time)
{
    // PostgreSQL takes at most 100 arguments.
    private const int ValuesInOneCall = 90;

    private readonly ClaimLoop _loop = new(limit, time);

    /// <param name="connection">Open, and in no transaction.</param>
    /// <returns>For each claim set, in order.</returns>
    public async Task<IReadOnlyList<BoundPolicy>> BindAsync(
        NpgsqlConnection connection, TablePolicy policy, IReadOnlyList<string> claims, CancellationToken cancellationToken)
    {
        if (policy.Reduced is not { } reduced)
        {
            var constant = new BoundPolicy(policy.Kind == PolicyKind.Open ? Constant.True : Constant.False, null);
            return [.. claims.Select(_ => constant)];
        }

        string[] values = [.. BoundPredicate.ValuesOf(reduced).Distinct(StringComparer.Ordinal)];
        if (values.Length == 0)
        {
            var predicate = new BoundPredicate(new Dictionary<string, JsonElement>()).Of(reduced);
            return [.. claims.Select(_ => new BoundPolicy(predicate, null))];
        }

        var statement = ClaimStatement.Create(Statement(values), policy);
        var answers = await _loop.AskAsync(connection, statement, ClaimQuestions.WithoutRows(claims), cancellationToken);
        return [.. answers.Select(answer => answer.Failure is null
            ? new BoundPolicy(Bind(reduced, values, answer.Text!), null)
            : new BoundPolicy(Constant.False, answer.Failure with { Scope = FailureScope.Claims }))];
    }

    private static string Statement(string[] values) =>
        $"select ({string.Join(" || ", values.Chunk(ValuesInOneCall).Select(chunk => $"jsonb_build_array({string.Join(", ", chunk)})"))})::text";

    private static Predicate Bind(PolicyNode reduced, string[] values, string answer)
    {
        using var document = JsonDocument.Parse(answer);
        return new BoundPredicate(values.Zip(document.RootElement.EnumerateArray()).ToDictionary(pair => pair.First, pair => pair.Second)).Of(reduced);
    }
}
