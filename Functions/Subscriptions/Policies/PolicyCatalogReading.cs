using Serverless.Subscriptions.Policies.Reduction;

namespace Serverless.Subscriptions.Policies;

/// <param name="IsBound">Whether row-level security applies to the role.</param>
/// <param name="Readable">The columns that the role may select.</param>
internal sealed record TableRights(
    uint Table, string Role, string Schema, string Name, bool MayUseSchema, bool MaySelectAll, bool IsBound, IReadOnlyList<string> Readable);

/// <summary>A policy for SELECT or ALL.</summary>
/// <param name="Roles">Those of the asked-for roles that it applies to.</param>
internal sealed record PolicyRow(
    bool IsPermissive, string Expression, IReadOnlyList<string> Roles, bool ReadsWholeRow, IReadOnlyList<string> Columns, bool ReadsOtherTables);

/// <param name="Type">What it returns.</param>
/// <param name="Version">Its oid and the xmin of its row.</param>
internal sealed record ClaimFunction(string Type, string Version);

/// <summary>Puts together what the catalogs said.</summary>
/// <param name="Functions">The functions in <c>auth</c> that read claims and nothing else, by name.</param>
internal sealed record PolicyCatalogReading(
    IReadOnlyDictionary<uint, string> Fingerprints,
    IReadOnlyDictionary<string, ClaimFunction> Functions,
    FixedCasts Casts,
    ILookup<uint, PolicyColumn> Columns,
    ILookup<uint, PolicyRow> Policies)
{
    public TablePolicy PolicyFor(TableRights rights)
    {
        var columns = Columns[rights.Table].ToList();
        var policies = Policies[rights.Table].Where(policy => policy.Roles.Contains(rights.Role)).ToList();
        var kind = KindOf(rights, policies);
        if (kind != PolicyKind.Judged)
        {
            policies.Clear();
        }

        var read = policies.Any(policy => policy.ReadsWholeRow)
            ? columns
            : [.. columns.Where(column => policies.Any(policy => policy.Columns.Contains(column.Name)))];
        return new TablePolicy(
            rights.Table,
            rights.Schema,
            rights.Name,
            rights.Role,
            kind,
            kind == PolicyKind.Judged ? Combine(policies) : "",
            [.. read.Select(column => column.Name)],
            [.. read.Where(column => column.BaseTypeName is "json" or "jsonb").Select(column => column.Name)],
            columns,
            kind == PolicyKind.Judged ? Reduce(rights.Name, columns, policies) : null,
            policies.Any(policy => policy.ReadsOtherTables),
            rights.MayUseSchema && rights.Readable.Count > 0,
            rights.MaySelectAll ? null : rights.Readable,
            Fingerprints.GetValueOrDefault(rights.Table, ""))
        {
            ClaimFunctions = [.. Functions.Values.Select(function => function.Version)],
        };
    }

    private static PolicyKind KindOf(TableRights rights, List<PolicyRow> policies)
    {
        if (!rights.MayUseSchema || (!rights.MaySelectAll && rights.Readable.Count == 0))
        {
            return PolicyKind.Closed;
        }

        if (!rights.IsBound)
        {
            return PolicyKind.Open;
        }

        return policies.Any(policy => policy.IsPermissive) ? PolicyKind.Judged : PolicyKind.Closed;
    }

    private static string Combine(List<PolicyRow> policies)
    {
        var permissive = string.Join(" or ", policies.Where(policy => policy.IsPermissive).Select(policy => $"({policy.Expression})"));
        return string.Join(" and ", policies.Where(policy => !policy.IsPermissive).Select(policy => $"({policy.Expression})").Prepend($"({permissive})"));
    }

    private PolicyNode Reduce(string table, List<PolicyColumn> columns, List<PolicyRow> policies)
    {
        var scope = new PolicyScope(table, columns.ToDictionary(column => column.Name, StringComparer.Ordinal), Functions.ToDictionary(function => function.Key, function => function.Value.Type, StringComparer.Ordinal), Casts);
        var reduced = policies.ToLookup(policy => policy.IsPermissive, policy => PolicyParser.Parse(policy.Expression, scope));
        return PolicyNode.All([PolicyNode.Any([.. reduced[true]]), .. reduced[false]]);
    }
}
