using Npgsql;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Policies;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Brings a table's groups up to its policies, before its changes are matched.</summary>
internal sealed class TableBinder(NpgsqlDataSource dataSource, GroupSplitter splitter, SubscriberNotices notices)
{
    /// <summary>Binds every group that is new or was bound under other policies.</summary>
    /// <param name="policies">The state of the table's policies that the batch is judged under.</param>
    /// <returns>False where groups had to be split: the registry must be read again, and this called again.</returns>
    public async Task<bool> BindAsync(Relation relation, TableSubscribers table, string policies, CancellationToken cancellationToken)
    {
        // What a predicate reads must be there as it was when it was made, so a table that was altered is bound anew.
        var unbound = table.TakeUnbound(policies + Signature(relation));
        if (unbound.Count == 0)
        {
            return true;
        }

        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var roles = unbound.Select(group => group.Definition.Role).Distinct().ToList();
        var read = await PolicyCatalog.ReadAsync(connection, [relation.Oid], roles, cancellationToken);
        var wasSplit = false;
        foreach (var ofRole in unbound.GroupBy(group => group.Definition.Role))
        {
            var policy = read.GetValueOrDefault((relation.Oid, ofRole.Key));
            wasSplit |= await BindRoleAsync(connection, relation, table, policy, [.. ofRole], cancellationToken);
        }

        return !wasSplit;
    }

    private async Task<bool> BindRoleAsync(
        NpgsqlConnection connection,
        Relation relation,
        TableSubscribers table,
        TablePolicy? policy,
        List<SubscriberGroup> groups,
        CancellationToken cancellationToken)
    {
        if (policy is null or { Kind: PolicyKind.Closed })
        {
            groups.ForEach(group => table.Bind(group, null));
            return false;
        }

        if (policy.Kind == PolicyKind.Open)
        {
            await BindAllAsync(relation, table, policy, groups, _ => Constant.True, cancellationToken);
            return false;
        }

        // A group whose members the policies can tell apart is not bound but divided; its parts come with the next reading of the registry.
        var shared = PolicyClaims.TellApart(policy) ? groups.Where(group => group.Claims is null).ToList() : [];
        foreach (var group in shared)
        {
            await splitter.SplitAsync(group, cancellationToken);
        }

        var own = groups.Except(shared).ToList();
        if (!policy.IsPartlyReducible)
        {
            await BindAllAsync(relation, table, policy, own, _ => null, cancellationToken);
        }
        else
        {
            await BindReducedAsync(connection, relation, table, policy, own, cancellationToken);
        }

        return shared.Count > 0;
    }

    private async Task BindReducedAsync(
        NpgsqlConnection connection, Relation relation, TableSubscribers table, TablePolicy policy, List<SubscriberGroup> groups, CancellationToken cancellationToken)
    {
        var claims = groups.Select(group => group.Claims ?? "{}").Distinct().ToList();
        var bound = await PolicyBinder.BindAsync(connection, policy, claims, cancellationToken);
        var byClaims = claims.Zip(bound).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
        foreach (var group in groups.Where(group => byClaims[group.Claims ?? "{}"].Failure is not null))
        {
            table.Bind(group, null);
            await notices.TellAsync(group, "PolicyFailed", byClaims[group.Claims ?? "{}"].Failure!.Message, cancellationToken);
        }

        await BindAllAsync(
            relation,
            table,
            policy,
            groups.Where(group => byClaims[group.Claims ?? "{}"].Failure is null),
            group => byClaims[group.Claims ?? "{}"].Predicate,
            cancellationToken);
    }

    private async Task BindAllAsync(
        Relation relation,
        TableSubscribers table,
        TablePolicy policy,
        IEnumerable<SubscriberGroup> groups,
        Func<SubscriberGroup, Predicate?> sightOf,
        CancellationToken cancellationToken)
    {
        foreach (var group in groups)
        {
            var node = group.Definition.Filter is { } json ? FilterNode.FromJson(json) : FilterNode.Everything;
            if (Unfit(relation, node, group) is { } reason)
            {
                table.Bind(group, null);
                await notices.TellAsync(group, "FilterOutdated", reason, cancellationToken);
                continue;
            }

            table.Bind(group, new BoundGroup(group, policy, sightOf(group), node));
        }
    }

    private static string? Unfit(Relation relation, FilterNode node, SubscriberGroup group)
    {
        var lacking = node.Columns.Where(column => relation.OrdinalOf(column) < 0).ToList();
        return lacking.Count == 0 || group.Definition.Table == GroupDefinition.Any
            ? null
            : $"The filter reads {string.Join(", ", lacking.Select(column => $"'{column}'"))}, which {relation} no longer streams. Join again with a filter on its present columns.";
    }

    private static string Signature(Relation relation) =>
        "|" + (int)relation.Identity + string.Concat(relation.Columns.Select(column => $"|{column.Name}:{column.TypeOid}"));
}
