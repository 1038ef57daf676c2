using Npgsql;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Policies;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Brings a table's groups up to its policies, before its changes are matched.</summary>
internal sealed class TableBinder(NpgsqlDataSource dataSource, PolicyBinder policyBinder, GroupSplitter splitter, SubscriberNotices notices, TimeProvider time)
{
    private static readonly TimeSpan _firstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _lastRetry = TimeSpan.FromMinutes(1);

    /// <summary>Binds every group that is new or was bound under other policies.</summary>
    /// <param name="policies">The state of the table's policies that the batch is judged under.</param>
    /// <returns>False where groups had to be split: the registry must be read again, and this called again.</returns>
    public async Task<bool> BindAsync(Relation relation, TableSubscribers table, string policies, CancellationToken cancellationToken)
    {
        // What a predicate reads must be there as it was when it was made, so a table that was altered is bound anew.
        policies += Signature(relation);

        // A refresh of another partition may bring more while these are bound. Of those the batch may know no other group of the same subscriber, so none are left unbound.
        while (table.TakeUnbound(policies, time.GetTimestamp()) is { Count: > 0 } unbound)
        {
            if (await BindAsync(relation, table, unbound, cancellationToken))
            {
                return false;
            }
        }

        return true;
    }

    private async Task<bool> BindAsync(Relation relation, TableSubscribers table, IReadOnlyList<SubscriberGroup> unbound, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var roles = unbound.Select(group => group.Definition.Role).Distinct().ToList();
        var read = await PolicyCatalog.ReadAsync(connection, [relation.Oid], roles, cancellationToken);
        var columns = unbound.Any(group => group.Definition.FilterTypes is { Count: > 0 }) ? await FilterColumn.ReadAsync(connection, relation.Oid, cancellationToken) : [];
        var described = new DescribedTable(relation, columns, table);
        var wasSplit = false;
        foreach (var ofRole in unbound.GroupBy(group => group.Definition.Role))
        {
            var policy = read.GetValueOrDefault((relation.Oid, ofRole.Key));
            wasSplit |= await BindRoleAsync(connection, described, policy, ofRole.Key, [.. ofRole], cancellationToken);
        }

        return wasSplit;
    }

    private async Task<bool> BindRoleAsync(
        NpgsqlConnection connection,
        DescribedTable table,
        TablePolicy? policy,
        string role,
        List<SubscriberGroup> groups,
        CancellationToken cancellationToken)
    {
        if (policy is null or { Kind: PolicyKind.Closed })
        {
            await CloseAsync(table, policy, role, groups, cancellationToken);
            return false;
        }

        if (!policy.Fits(table.Relation))
        {
            foreach (var group in groups)
            {
                table.Subscribers.Bind(group, null);
                await notices.TellAsync(
                    group,
                    "TableAltered",
                    $"{table.Relation} was altered while changes of it were under way, so that its policies cannot be evaluated for those. They do not arrive; later ones do.",
                    cancellationToken);
            }

            return false;
        }

        if (policy.Kind == PolicyKind.Open)
        {
            await BindAllAsync(table, policy, groups, _ => Constant.True, cancellationToken);
            return false;
        }

        // A group whose members the policies can tell apart is not bound but divided; its parts come with the next reading of the registry.
        var shared = PolicyClaims.TellApart(policy) ? groups.Where(group => group.Claims is null).ToList() : [];
        foreach (var group in shared)
        {
            await splitter.SplitAsync(group, cancellationToken);
        }

        await BindClaimsAsync(connection, table, policy, [.. groups.Except(shared)], cancellationToken);
        return shared.Count > 0;
    }

    // Whoever subscribed to the table by name could read it then; to others only a table that they received before makes a difference.
    private async Task CloseAsync(DescribedTable table, TablePolicy? policy, string role, List<SubscriberGroup> groups, CancellationToken cancellationToken)
    {
        var mayRead = policy is { HasSelect: true };
        var name = SqlName.Of(table.Relation.Schema, table.Relation.Name);
        var (quoted, message) = (SqlName.Of(role), $"No change of {name} arrives any more: ");
        message += policy is null ? $"role {quoted} does not exist any more. Join again with a token of another role."
            : mayRead ? $"no policy lets role {quoted} select any row. Make one: create policy ... on {name} for select to {quoted} using (...);"
            : $"role {quoted} may not read it. Run: grant select on {name} to {quoted};";
        foreach (var group in groups)
        {
            var wasBound = table.Subscribers.Bind(group, null);
            if (wasBound || (!mayRead && group.Definition.Table != GroupDefinition.Any))
            {
                await notices.TellAsync(group, "PrivilegeLost", message, cancellationToken);
            }
        }
    }

    private async Task BindClaimsAsync(
        NpgsqlConnection connection, DescribedTable table, TablePolicy policy, List<SubscriberGroup> groups, CancellationToken cancellationToken)
    {
        var claims = groups.Select(ClaimsOf).Distinct().ToList();
        var answers = await policyBinder.BindAsync(connection, policy, claims, cancellationToken);
        var bound = claims.Zip(answers).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
        foreach (var group in groups)
        {
            if (bound[ClaimsOf(group)].Failure is not { } failure)
            {
                group.Failures = 0;
            }
            else
            {
                // What mends it need not be in the fingerprint, so that it is tried again.
                table.Subscribers.Postpone(group, time.GetTimestamp() + (long)(RetryAfter(group.Failures++).TotalSeconds * time.TimestampFrequency));
                await notices.TellAsync(group, "PolicyFailed", failure.Message(policy), cancellationToken);
            }
        }

        var sighted = groups.Where(group => bound[ClaimsOf(group)].Failure is null);
        await BindAllAsync(table, policy, sighted, group => bound[ClaimsOf(group)].Predicate, cancellationToken);
    }

    private static TimeSpan RetryAfter(int failures) => failures < 6 ? _firstRetry * (1 << failures) : _lastRetry;

    private static string ClaimsOf(SubscriberGroup group) => group.Claims ?? "{}";

    private async Task BindAllAsync(
        DescribedTable table,
        TablePolicy policy,
        IEnumerable<SubscriberGroup> groups,
        Func<SubscriberGroup, Predicate> sightOf,
        CancellationToken cancellationToken)
    {
        foreach (var group in groups)
        {
            var node = group.Definition.Filter is { } json ? FilterNode.FromJson(json) : FilterNode.Everything;
            if (policy.ReadableColumns is { } readable && !node.Columns.All(readable.Contains))
            {
                // Which rows arrive would tell the column's values to a role that may not read it.
                table.Subscribers.Bind(group, null);
                await notices.TellAsync(
                    group,
                    "FilterOutdated",
                    $"The role may no longer read every column of {table.Relation} that the filter is about. Join again with a filter on columns it may read, or grant select on them.",
                    cancellationToken);
                continue;
            }

            if (group.Definition.FilterTypes is { } types && !FilterColumn.Fit(table.Relation, table.Columns, types, node))
            {
                table.Subscribers.Bind(group, null);
                await notices.TellAsync(
                    group,
                    "FilterOutdated",
                    $"{table.Relation} was altered: a column that the filter reads is gone, is of another type or collation, or a label of its enum was renamed. Join again with a filter that fits it.",
                    cancellationToken);
                continue;
            }

            table.Subscribers.Bind(group, new BoundGroup(group, policy, sightOf(group), node));
        }
    }

    private static string Signature(Relation relation) =>
        "|" + (int)relation.Identity + string.Concat(relation.Columns.Select(column => $"|{column.Name}:{column.TypeOid}:{column.Number}"));

    /// <param name="Columns">As they are now; none where no filter reads any.</param>
    private sealed record DescribedTable(Relation Relation, IReadOnlyList<FilterColumn> Columns, TableSubscribers Subscribers);
}
