using System.Globalization;
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
        var wasSplit = false;
        foreach (var ofRole in unbound.GroupBy(group => group.Definition.Role))
        {
            var policy = read.GetValueOrDefault((relation.Oid, ofRole.Key));
            wasSplit |= await BindRoleAsync(connection, relation, table, policy, [.. ofRole], cancellationToken);
        }

        return wasSplit;
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

        if (!policy.Fits(relation))
        {
            foreach (var group in groups)
            {
                table.Bind(group, null);
                await notices.TellAsync(
                    group,
                    "TableAltered",
                    $"{relation} was altered while changes of it were under way, so that its policies cannot be evaluated for those. They do not arrive; later ones do.",
                    cancellationToken);
            }

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

        await BindClaimsAsync(connection, relation, table, policy, [.. groups.Except(shared)], cancellationToken);
        return shared.Count > 0;
    }

    private async Task BindClaimsAsync(
        NpgsqlConnection connection, Relation relation, TableSubscribers table, TablePolicy policy, List<SubscriberGroup> groups, CancellationToken cancellationToken)
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
                table.Postpone(group, time.GetTimestamp() + (long)(RetryAfter(group.Failures++).TotalSeconds * time.TimestampFrequency));
                await notices.TellAsync(group, "PolicyFailed", failure.Message(policy), cancellationToken);
            }
        }

        var sighted = groups.Where(group => bound[ClaimsOf(group)].Failure is null);
        await BindAllAsync(relation, table, policy, sighted, group => bound[ClaimsOf(group)].Predicate, cancellationToken);
    }

    private static TimeSpan RetryAfter(int failures) => failures < 6 ? _firstRetry * (1 << failures) : _lastRetry;

    private static string ClaimsOf(SubscriberGroup group) => group.Claims ?? "{}";

    private async Task BindAllAsync(
        Relation relation,
        TableSubscribers table,
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
                table.Bind(group, null);
                await notices.TellAsync(
                    group,
                    "FilterOutdated",
                    $"The role may no longer read every column of {relation} that the filter is about. Join again with a filter on columns it may read, or grant select on them.",
                    cancellationToken);
                continue;
            }

            if (!IsFit(relation, group))
            {
                table.Bind(group, null);
                await notices.TellAsync(
                    group, "FilterOutdated", $"{relation} was altered: a column that the filter reads is gone or of another type. Join again with a filter that fits it.", cancellationToken);
                continue;
            }

            table.Bind(group, new BoundGroup(group, policy, sightOf(group), node));
        }
    }

    private static bool IsFit(Relation relation, SubscriberGroup group) => group.Definition.FilterTypes is not { } types || types.All(type =>
        relation.Columns.Any(column => string.Create(CultureInfo.InvariantCulture, $"{column.Name}:{column.TypeOid}") == type));

    private static string Signature(Relation relation) =>
        "|" + (int)relation.Identity + string.Concat(relation.Columns.Select(column => $"|{column.Name}:{column.TypeOid}:{column.Number}"));
}
