using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Auth;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions.Explanations;

/// <summary>Answers what a subscription would receive, why, and at what cost, without making it.</summary>
/// <param name="policyLimit">How long policies may take over a row.</param>
internal sealed class SubscriptionExplainer(
    NpgsqlDataSource dataSource, SubscriptionResolver resolver, PolicyBinder binder, IOptions<SubscriptionOptions> options, TimeSpan policyLimit)
{
    /// <exception cref="SubscriptionException">The subscription cannot be made, the row is not named by its key, or the caller may not ask for somebody else.</exception>
    public async Task<Explanation> ExplainAsync(SubscriptionRequest request, ExplainRequest asked, Caller caller, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(request.Table) || request.Table == GroupDefinition.Any)
        {
            throw SubscriptionException.Invalid("InvalidTable", "Name one table to have a subscription on it explained.");
        }

        var reader = ExplainedCaller.Of(asked, caller);
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var resolved = await resolver.ResolveAsync(connection, request, reader.Role, reader.Claims, cancellationToken);
        var definition = resolved.Definition;
        var table = await TableCatalog.DescribeAsync(
            connection, options.Value.Publication, definition.Schema, definition.Table, reader.Role, cancellationToken)
            ?? throw SubscriptionException.Invalid("UnknownTable", "The table was dropped while it was looked at. Try again.");
        var policy = (await PolicyCatalog.ReadAsync(connection, [table.Oid], [reader.Role], cancellationToken))[(table.Oid, reader.Role)];
        var bound = (await binder.BindAsync(connection, policy, [reader.Claims.Text], cancellationToken))[0];
        var predicate = Join(definition.Filter is { } json ? FilterNode.FromJson(json).Compile() : Constant.True, bound.Predicate);
        var row = new RowExplainer(connection, table, policy, reader, policyLimit);
        return new Explanation
        {
            Subscription = request,
            Policies = PoliciesOf(policy, bound),
            Index = IndexOf(predicate, reader.IsTrusted ? null : policy.ReadableColumns),
            Cost = CostOf(policy, predicate, definition),
            IsSharedByRole = definition.ClaimsKey is null,
            Notes = [.. resolved.Notes.Select(note => note.Message), .. bound.Failure is { } failure ? new[] { failure.Message(policy) } : []],
            Row = asked.Row is { } key ? await row.ExplainAsync(request.Filter, key, cancellationToken) : null,
            PolicySql = reader.IsTrusted && policy.Sql.Length > 0 ? policy.Sql : null,
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

    /// <param name="readable">The columns that may be named; null for all.</param>
    private static ExplainedIndex IndexOf(Predicate predicate, IReadOnlyCollection<string>? readable) => predicate.Keys switch
    {
        null => new ExplainedIndex("none", []),
        { Count: 0 } => new ExplainedIndex("never", []),
        var keys => new ExplainedIndex(
            keys.Any(key => key is RangeKey) ? "range" : "equal",
            [.. keys.Select(key => readable?.Contains(key.Column) ?? true ? key.Column : ColumnDescription.Unreadable).Distinct().Order(StringComparer.Ordinal)]),
    };

    private static string CostOf(TablePolicy policy, Predicate predicate, GroupDefinition definition) => (policy, predicate.Keys) switch
    {
        (_, { Count: 0 }) => "nothing: no change can match",
        ({ Kind: PolicyKind.Judged, IsReducible: false }, null) => "one statement in PostgreSQL for each batch of changes, for this subscriber alone",
        ({ Kind: PolicyKind.Judged, IsReducible: false }, _) => "one statement in PostgreSQL for each batch with changes that the index lets through, for this subscriber alone",
        (_, null) when definition.Filter is null => "one send for each batch of changes",
        (_, null) => "one evaluation in memory for each change, shared by all with the same filter",
        _ => "nothing for changes that do not match; one look-up and one send for those that do",
    };
}
