using Npgsql;

namespace Serverless.Subscriptions.Filters;

/// <summary>Holds a filter as it was written against a table: its columns, operators and values.</summary>
internal static class FilterResolver
{
    /// <param name="connection">Not in a transaction, which a value that PostgreSQL refuses would abort.</param>
    /// <param name="role">Whose rights on the columns count; null where they do not.</param>
    /// <exception cref="SubscriptionException">A condition cannot hold on this table; the message names it.</exception>
    public static async Task<FilterNode> ResolveAsync(
        NpgsqlConnection connection, TableDescription table, FilterSyntax syntax, string? role, CancellationToken cancellationToken)
    {
        switch (syntax)
        {
            case AllSyntax all:
                return FilterNode.All(await ResolveAsync(connection, table, all.Parts, role, cancellationToken));
            case AnySyntax any:
                return FilterNode.Any(await ResolveAsync(connection, table, any.Parts, role, cancellationToken));
            case NotSyntax not:
                return FilterNode.Not(await ResolveAsync(connection, table, not.Part, role, cancellationToken));
            case ConditionSyntax condition:
                var column = RequireColumn(table, condition, role);
                return await new ConditionResolver(connection, table, column, condition).ResolveAsync(cancellationToken);
            default:
                throw new InvalidOperationException($"A filter holds a {syntax.GetType().Name}, which nothing resolves.");
        }
    }

    private static async Task<List<FilterNode>> ResolveAsync(
        NpgsqlConnection connection, TableDescription table, IReadOnlyList<FilterSyntax> parts, string? role, CancellationToken cancellationToken)
    {
        var nodes = new List<FilterNode>(parts.Count);
        foreach (var part in parts)
        {
            nodes.Add(await ResolveAsync(connection, table, part, role, cancellationToken));
        }

        return nodes;
    }

    private static ColumnDescription RequireColumn(TableDescription table, ConditionSyntax condition, string? role)
    {
        var name = SqlName.Of(table.Schema, table.Name);
        var column = table.Columns.FirstOrDefault(column => column.Name == condition.Column)
            ?? throw Invalid(condition, $"table {name} has no column '{Shorten(condition.Column)}'. Names are case-sensitive.");
        if (column.IsGenerated)
        {
            throw Invalid(condition, $"column '{column.Name}' is generated, and PostgreSQL does not stream generated columns. Filter on a stored one.");
        }

        if (!column.IsStreamed)
        {
            throw Invalid(condition, $"column '{column.Name}' is left out by the publication's column list for {name}, so its values are not streamed. Add it there with alter publication ... set table.");
        }

        return role is null || column.RoleMaySelect
            ? column
            : throw Invalid(condition, $"role '{role}' may not read column '{column.Name}'. Run: grant select ({SqlName.Of(column.Name)}) on {name} to {SqlName.Of(role)};");
    }

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "...";

    private static SubscriptionException Invalid(ConditionSyntax condition, string problem) =>
        SubscriptionException.Invalid("InvalidFilter", $"Condition '{condition.Text}': {problem}");
}
