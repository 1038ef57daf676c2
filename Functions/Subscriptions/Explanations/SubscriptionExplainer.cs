using System.Text.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Auth;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions.Explanations;

/// <summary>Answers what a subscription would receive, why, and at what cost, without making it.</summary>
internal sealed class SubscriptionExplainer(
    NpgsqlDataSource dataSource, SubscriptionResolver resolver, PolicyBinder binder, IOptions<SubscriptionOptions> options)
{
    private const string ServiceRole = "service_role";

    /// <exception cref="SubscriptionException">The subscription cannot be made, or the row is not named by its key.</exception>
    public async Task<Explanation> ExplainAsync(SubscriptionRequest request, JsonElement? row, Caller caller, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(request.Table) || request.Table == GroupDefinition.Any)
        {
            throw SubscriptionException.Invalid("InvalidTable", "Name one table to have a subscription on it explained.");
        }

        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var claims = ClaimSet.Of(caller);
        var resolved = await resolver.ResolveAsync(connection, request, caller.Role, claims, cancellationToken);
        var definition = resolved.Definition;
        var table = await TableCatalog.DescribeAsync(
            connection, options.Value.Publication, definition.Schema, definition.Table, caller.Role, cancellationToken)
            ?? throw SubscriptionException.Invalid("UnknownTable", "The table was dropped while it was looked at. Try again.");
        var policy = (await PolicyCatalog.ReadAsync(connection, [table.Oid], [caller.Role], cancellationToken))[(table.Oid, caller.Role)];
        var bound = (await binder.BindAsync(connection, policy, [claims.Text], cancellationToken))[0];
        var predicate = Join(definition.Filter is { } json ? FilterNode.FromJson(json).Compile() : Constant.True, bound.Predicate);
        return new Explanation
        {
            Subscription = request,
            Policies = PoliciesOf(policy, bound),
            Index = IndexOf(predicate),
            Cost = CostOf(policy, predicate, definition),
            IsSharedByRole = definition.ClaimsKey is null,
            Notes = [.. resolved.Notes.Select(note => note.Message), .. bound.Failure is { } failure ? new[] { failure.Message(policy) } : []],
            Row = row is { } key ? await RowExplainer.ExplainAsync(connection, table, policy, request.Filter, key, caller.Role, claims, cancellationToken) : null,
            PolicySql = caller.Role == ServiceRole && policy.Sql.Length > 0 ? policy.Sql : null,
        };
    }

    private static Predicate Join(Predicate filter, Predicate sight) => sight == Constant.True ? filter : filter == Constant.True ? sight : new AllOf([filter, sight]);

    private static string PoliciesOf(TablePolicy policy, BoundPolicy bound) => policy.Kind switch
    {
        PolicyKind.Open => "open: row-level security does not bind this role",
        PolicyKind.Closed => "closed: no policy lets this role see any row",
        _ when bound.Failure is not null => "failed: they cannot be evaluated for these claims",
        _ when policy.IsReducible => "in memory: they compare columns with claims and constants",
        _ when policy.IsPartlyReducible => "partly in memory; what is left is asked of PostgreSQL",
        _ => "asked of PostgreSQL for each row that passes the filter",
    };

    private static ExplainedIndex IndexOf(Predicate predicate) => predicate.Keys switch
    {
        null => new ExplainedIndex("none", []),
        var keys => new ExplainedIndex(
            keys.Any(key => key is RangeKey) ? "range" : "equal", [.. keys.Select(key => key.Column).Distinct().Order(StringComparer.Ordinal)]),
    };

    private static string CostOf(TablePolicy policy, Predicate predicate, GroupDefinition definition) => (policy, predicate.Keys) switch
    {
        ({ Kind: PolicyKind.Judged, IsReducible: false }, null) => "one statement in PostgreSQL for each batch of changes, for this subscriber alone",
        ({ Kind: PolicyKind.Judged, IsReducible: false }, _) => "one statement in PostgreSQL for each batch with changes that the index lets through, for this subscriber alone",
        (_, null) when definition.Filter is null => "one send for each batch of changes",
        (_, null) => "one evaluation in memory for each change, shared by all with the same filter",
        _ => "nothing for changes that do not match; one look-up and one send for those that do",
    };
}
