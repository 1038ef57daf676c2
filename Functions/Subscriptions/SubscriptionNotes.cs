using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions;

/// <summary>Says which part of a subscription can never fire, with the SQL that mends it.</summary>
internal static class SubscriptionNotes
{
    public static IEnumerable<SubscriptionNote> For(TableDescription table, GroupDefinition definition)
    {
        if (table.HasFullIdentity)
        {
            yield break;
        }

        var name = SqlName.Of(table.Schema, table.Name);
        var beyondKey = Names(table, definition.Conditions, column => !column.IsKey);
        if (beyondKey.Length > 0 && definition.Event is SubscriptionEvent.All or SubscriptionEvent.Delete)
        {
            yield return new SubscriptionNote(
                IsError: true,
                $"DELETE events on {name} will not arrive: deleted rows are logged with their key only, and the filter reads {beyondKey}. Run: alter table {name} replica identity full;");
        }

        var large = Names(table, definition.Conditions, column => column.IsToastable && !column.IsKey);
        if (large.Length > 0 && definition.Event is SubscriptionEvent.All or SubscriptionEvent.Update)
        {
            yield return new SubscriptionNote(
                IsError: false,
                $"An UPDATE on {name} that leaves a value of {large} larger than about 2 kB untouched will not arrive: such values are not logged. Run: alter table {name} replica identity full;");
        }
    }

    private static string Names(TableDescription table, IReadOnlyList<EqualCondition> conditions, Func<ColumnDescription, bool> which) =>
        string.Join(
            ", ",
            from column in table.Columns
            where which(column) && conditions.Any(condition => condition.Column == column.Name)
            select $"'{column.Name}'");
}
