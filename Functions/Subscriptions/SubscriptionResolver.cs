using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions;

/// <summary>A request that holds against the database as it is now.</summary>
internal sealed record ResolvedSubscription(GroupDefinition Definition, SubscriptionRequest Request, IReadOnlyList<SubscriptionNote> Notes);

/// <summary>Checks what a client asks for against the catalogs, and says why where it cannot be had or only in part.</summary>
internal sealed class SubscriptionResolver(IOptions<SubscriptionOptions> options)
{
    private const int MaxIdentifierLength = 63;

    /// <exception cref="SubscriptionException">The subscription cannot be made.</exception>
    public async Task<ResolvedSubscription> ResolveAsync(
        NpgsqlConnection connection, SubscriptionRequest request, string role, CancellationToken cancellationToken)
    {
        var wanted = SubscriptionEvents.Parse(request.Event);
        var schema = string.IsNullOrEmpty(request.Schema) ? "public" : request.Schema;
        var table = string.IsNullOrEmpty(request.Table) ? GroupDefinition.AnyTable : request.Table;
        if (request.Select is { Count: > 0 })
        {
            throw SubscriptionException.Invalid("SelectNotSupported", "This version sends all columns; leave 'select' out.");
        }

        if (schema.Length > MaxIdentifierLength || table.Length > MaxIdentifierLength)
        {
            throw SubscriptionException.Invalid("InvalidTable", $"A schema or table name is longer than PostgreSQL's {MaxIdentifierLength} characters.");
        }

        var conditions = EqualityOnly(FilterParser.Parse(request.Filter));
        await RequireSurroundingsAsync(connection, role, schema, cancellationToken);
        return table == GroupDefinition.AnyTable
            ? ResolveAnyTable(request, wanted, schema, role, conditions)
            : await ResolveTableAsync(connection, request, wanted, schema, table, role, conditions, cancellationToken);
    }

    private async Task RequireSurroundingsAsync(NpgsqlConnection connection, string role, string schema, CancellationToken cancellationToken)
    {
        var exist = await TableCatalog.ExistAsync(connection, role, schema, options.Value.Slot, cancellationToken);
        if (!exist.Slot)
        {
            throw new SubscriptionException(
                "CaptureNotReady",
                StatusCodes.Status503ServiceUnavailable,
                $"The replication slot '{options.Value.Slot}' does not exist yet, so changes are not captured. It is made when capture starts, once the transactions then running are over. Try again in a moment.");
        }

        if (!exist.Role)
        {
            throw new SubscriptionException(
                "UnknownRole", StatusCodes.Status403Forbidden, $"The token's role '{role}' does not exist in the database. Create it, or issue tokens with an existing role.");
        }

        if (!exist.Schema && schema != GroupDefinition.AnyTable)
        {
            throw SubscriptionException.Invalid("UnknownSchema", $"There is no schema '{schema}'. The default is 'public'.");
        }
    }

    private static ResolvedSubscription ResolveAnyTable(
        SubscriptionRequest request, SubscriptionEvent wanted, string schema, string role, IReadOnlyList<FilterCondition> conditions)
    {
        if (conditions.Count > 0)
        {
            throw SubscriptionException.Invalid("FilterWithoutTable", "A filter needs a table: name the one whose columns it is about.");
        }

        var note = new SubscriptionNote(false, "Subscribed to every published table that the role may read; tables with row-level security are left out by this version.");
        return new ResolvedSubscription(new GroupDefinition(schema, GroupDefinition.AnyTable, wanted, role, []), request, [note]);
    }

    private async Task<ResolvedSubscription> ResolveTableAsync(
        NpgsqlConnection connection,
        SubscriptionRequest request,
        SubscriptionEvent wanted,
        string schema,
        string table,
        string role,
        IReadOnlyList<FilterCondition> conditions,
        CancellationToken cancellationToken)
    {
        var description = await TableCatalog.DescribeAsync(connection, options.Value.Publication, schema, table, role, cancellationToken)
            ?? throw SubscriptionException.Invalid("UnknownTable", $"There is no table '{table}' in schema '{schema}'. Names are case-sensitive and written without quotes.");
        RequireReadable(description, role);
        var equal = new List<EqualCondition>();
        foreach (var condition in conditions)
        {
            equal.Add(await ResolveConditionAsync(connection, description, condition, cancellationToken));
        }

        // The order of conditions does not matter to what they select, so it must not make two groups of one.
        equal.Sort((left, right) => Compare(left, right));
        var definition = new GroupDefinition(schema, table, wanted, role, equal);
        return new ResolvedSubscription(definition, request, [.. SubscriptionNotes.For(description, definition)]);
    }

    private void RequireReadable(TableDescription table, string role)
    {
        var name = SqlName.Of(table.Schema, table.Name);
        if (!table.IsPublished)
        {
            throw SubscriptionException.Invalid(
                "TableNotPublished",
                $"Table {name} is not in the publication, so its changes are not streamed. Run: alter publication {SqlName.Of(options.Value.Publication)} add table {name};");
        }

        if (table.HasRowLevelSecurity)
        {
            throw SubscriptionException.Invalid(
                "RowLevelSecurityNotSupported",
                $"Table {name} has row-level security enabled, and this version cannot judge policies; it refuses rather than send rows that a policy may forbid.");
        }

        if (!table.RoleMaySelect)
        {
            throw new SubscriptionException(
                "InsufficientPrivilege", StatusCodes.Status403Forbidden, $"Role '{role}' may not read {name}. Run: grant select on {name} to {SqlName.Of(role)};");
        }
    }

    private static IReadOnlyList<FilterCondition> EqualityOnly(FilterSyntax filter) =>
    [
        .. (filter is AllSyntax all ? all.Parts : [filter]).Select(part => part is ConditionSyntax { Operator: FilterOperator.Equal } equal
            ? new FilterCondition(equal.Column, "eq", equal.Values[0])
            : throw Invalid("This version serves conditions 'column=eq.value', all of which must hold.")),
    ];

    private static async Task<EqualCondition> ResolveConditionAsync(
        NpgsqlConnection connection, TableDescription table, FilterCondition condition, CancellationToken cancellationToken)
    {
        var column = table.Columns.FirstOrDefault(column => column.Name == condition.Column)
            ?? throw Invalid($"Table {SqlName.Of(table.Schema, table.Name)} has no column '{condition.Column}'.");
        if (column.IsGenerated)
        {
            throw Invalid($"Column '{column.Name}' is generated, and PostgreSQL does not stream generated columns. Filter on a stored one.");
        }

        if (EqualityRules.For(column.BaseTypeName, column.IsEnum) is not { } rule || !column.HasPlainCollation)
        {
            throw Invalid($"Column '{column.Name}' is of type {column.Type}, which this version does not compare. Filter on a column of a common type: numbers, text, boolean, uuid, dates and times, enums.");
        }

        var token = await LiteralReader.ReadAsync(connection, column, condition.Value, cancellationToken)
            ?? throw Invalid($"Condition '{condition.Column}=eq.{Shorten(condition.Value)}': the value is not a valid {column.Type}.");
        return new EqualCondition(column.Name, rule, rule.Normalize(token).ToArray());
    }

    private static int Compare(EqualCondition left, EqualCondition right)
    {
        var byColumn = string.CompareOrdinal(left.Column, right.Column);
        return byColumn != 0 ? byColumn : left.Token.AsSpan().SequenceCompareTo(right.Token);
    }

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "...";

    private static SubscriptionException Invalid(string message) => SubscriptionException.Invalid("InvalidFilter", message);
}
