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

        if (table.Schema == "realtime" && table.Name.StartsWith("messages", StringComparison.Ordinal))
        {
            yield return Error($"No change of {name} will arrive: its rows are broadcast to their topics and not told as row changes. Join the topic.");
        }

        if (definition.Filter is not null && filter.Compile().Keys is { Count: 0 })
        {
            yield return Error(
                $"No change of {name} will arrive: the filter is true of no row, as an empty list is true of none. Put values into 'in.(...)', or leave the condition out.");
        }

        foreach (var note in OfKey(table, definition, name).Concat(OfColumns(table, definition, filter, name)).Concat(OfHeirs(table, name)))
        {
            yield return note;
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

    // Supabase's events without a row, which nobody would think of when nothing is shown.
    private static IEnumerable<SubscriptionNote> OfKey(TableDescription table, GroupDefinition definition, string name)
    {
        var key = table.Columns.Where(column => column.IsPrimary).ToList();
        if (key.Count == 0 && definition.Event != SubscriptionEvent.Delete)
        {
            yield return Error(
                $"INSERT and UPDATE events on {name} will arrive without their rows, with 'Error 400: Bad Request, no primary key'. Run: alter table {name} add primary key (...);");
        }

        if (key.Exists(column => !column.RoleMaySelect))
        {
            yield return Error(
                $"Every event on {name} will arrive without its row, with 'Error 401: Unauthorized', since the role may not read the whole primary key. Run: grant select (...) on {name} to {SqlName.Of(definition.Role)};");
        }
    }

    private static IEnumerable<SubscriptionNote> OfColumns(TableDescription table, GroupDefinition definition, FilterNode filter, string name)
    {
        bool IsChosen(ColumnDescription column) => definition.Columns?.Contains(column.Name) ?? false;
        var generated = Names(table, column => IsChosen(column) && column.IsGenerated);
        if (generated.Length > 0)
        {
            yield return Error($"Of the chosen columns of {name}, {generated} will not arrive: PostgreSQL does not log generated columns. Choose the columns that they are made from.");
        }

        var unlisted = Names(table, column => IsChosen(column) && !column.IsGenerated && !column.IsStreamed);
        if (unlisted.Length > 0)
        {
            yield return Error(
                $"Of the chosen columns of {name}, {unlisted} will not arrive: the publication's column list leaves them out. Add them there with alter publication ... set table.");
        }

        var unclear = Names(table, column => filter.Conditions.Any(condition => condition.IsUnclearOfNull && condition.Column == column.Name));
        if (unclear.Length > 0)
        {
            yield return Error(
                $"Where the filter depends on whether {unclear} is null, rows of {name} in which it is do not arrive: the log does not tell SQL's null from the value null of JSON. Filter on a column of another type.");
        }
    }

    private static IEnumerable<SubscriptionNote> OfHeirs(TableDescription table, string name)
    {
        var readable = table.Heirs.Where(heir => heir.Length > 0).ToList();
        if (table.Heirs.Count > 0)
        {
            var which = readable.Count == table.Heirs.Count ? "" : readable.Count == 0 ? " They are tables that the role may not read." : " Others are tables that the role may not read.";
            var mend = readable.Count == 0 ? "" : $" Subscribe to them too: {string.Join(", ", readable)}.";
            yield return Error($"Rows in the tables that inherit from {name} will not arrive, though a query of {name} shows them: their changes carry their own table's name.{mend}{which}");
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

        var mend = table.PartitionsWithKeys.Count == 0
            ? $"Run: alter table {name} replica identity full;"
            : $"Each partition logs by its own replica identity. Run: {string.Join(' ', table.PartitionsWithKeys.Select(partition => $"alter table {partition} replica identity full;"))}";
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

    // A policy may read what its subscribers may not, and even a name may say too much.
    private static string Names(TableDescription table, Func<ColumnDescription, bool> which)
    {
        var columns = table.Columns.Where(which).ToLookup(column => column.RoleMaySelect);
        var names = columns[true].Select(column => $"'{column.Name}'");
        return string.Join(", ", columns[false].Any() ? names.Append(ColumnDescription.Unreadable) : names);
    }

    private static SubscriptionNote Error(string message) => new(IsError: true, message);

    private static SubscriptionNote Hint(string message) => new(IsError: false, message);
}
