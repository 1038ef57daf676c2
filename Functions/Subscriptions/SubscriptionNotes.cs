using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions;

/// <summary>Says which part of a subscription can never fire, or is dear, with the SQL that mends it.</summary>
internal static class SubscriptionNotes
{
    public static IEnumerable<SubscriptionNote> For(
        TableDescription table, TablePolicy policy, GroupDefinition definition, FilterNode filter, SubscriptionOptions options)
    {
        var name = SqlName.Of(table.Schema, table.Name);
        if (policy.Kind == PolicyKind.Closed)
        {
            yield return Error(
                $"No change of {name} will arrive: row-level security is on, and no policy lets role {SqlName.Of(definition.Role)} select any row. Make one: create policy ... on {name} for select to {SqlName.Of(definition.Role)} using (...);");
        }

        if (filter is AnyNode { Parts.Count: 0 })
        {
            yield return Error($"No change of {name} will arrive: no value is in an empty list, so the filter lets no row through. Put values into 'in.(...)', or leave the condition out.");
        }

        foreach (var kind in table.Unpublished.Where(kind => definition.Event.Wants(kind)))
        {
            yield return Error(
                $"{kind.Name()} events on {name} will not arrive: the publication leaves them out. Run: alter publication {SqlName.Of(options.Publication)} set (publish = 'insert, update, delete');");
        }

        if (table.HasRowFilter)
        {
            yield return Hint($"The publication carries only those rows of {name} that fit its own condition; others never arrive.");
        }

        foreach (var note in OfOldRows(table, policy, definition, filter, options, name))
        {
            yield return note;
        }

        var unstreamed = Names(table, column => policy.Columns.Contains(column.Name) && (column.IsGenerated || !column.IsStreamed));
        if (unstreamed.Length > 0)
        {
            yield return Error($"No change of {name} will arrive: a policy reads {unstreamed}, which the log does not carry. Let it read stored, published columns.");
        }

        if (definition.Filter is not null && filter.Compile().Keys is null)
        {
            yield return Hint($"The filter has no condition that an index serves ('eq', 'in', 'lt', 'lte', 'gt', 'gte' on common types), so it is evaluated for every change of {name}.");
        }
    }

    // What the log lacks of the old row under any identity but FULL.
    private static IEnumerable<SubscriptionNote> OfOldRows(
        TableDescription table, TablePolicy policy, GroupDefinition definition, FilterNode filter, SubscriptionOptions options, string name)
    {
        if (table.HasFullIdentity)
        {
            yield break;
        }

        var mend = $"Run: alter table {name} replica identity full;";
        var wantsDeletes = definition.Event is SubscriptionEvent.All or SubscriptionEvent.Delete;
        var ofFilter = Names(table, column => !column.IsKey && filter.Columns.Contains(column.Name));
        if (wantsDeletes && ofFilter.Length > 0)
        {
            yield return Error($"DELETE events on {name} will not arrive: deleted rows are logged with their key only, and the filter reads {ofFilter}. {mend}");
        }

        var ofPolicies = Names(table, column => !column.IsKey && policy.Columns.Contains(column.Name));
        if (wantsDeletes && ofPolicies.Length > 0 && options.UnverifiableDeletes == UnverifiableDeletes.Withhold)
        {
            yield return Error(
                $"DELETE events on {name} will not arrive: deleted rows are logged with their key only, and whether a row may be seen depends on more. {mend} Or set Capture__UnverifiableDeletes=SendKey, which tells everybody the keys.");
        }

        if (definition.Leave)
        {
            yield return Error($"Rows of {name} that leave sight will not be told: the log does not say what they were. {mend}");
        }

        var large = Names(table, column => column.IsToastable && !column.IsKey && (filter.Columns.Contains(column.Name) || policy.Columns.Contains(column.Name)));
        if (definition.Event is SubscriptionEvent.All or SubscriptionEvent.Update && large.Length > 0)
        {
            yield return Hint(
                $"An UPDATE on {name} that leaves a value of {large} larger than about 2 kB untouched will not arrive: such values are not logged. {mend}");
        }
    }

    private static string Names(TableDescription table, Func<ColumnDescription, bool> which) =>
        string.Join(", ", table.Columns.Where(which).Select(column => $"'{column.Name}'"));

    private static SubscriptionNote Error(string message) => new(IsError: true, message);

    private static SubscriptionNote Hint(string message) => new(IsError: false, message);
}
