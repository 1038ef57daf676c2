using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions;

/// <summary>A request that holds against the database as it is now.</summary>
internal sealed record ResolvedSubscription(GroupDefinition Definition, SubscriptionRequest Request, IReadOnlyList<SubscriptionNote> Notes);

/// <summary>Checks what a client asks for against the catalogs, and says why where it cannot be had or only in part.</summary>
internal sealed class SubscriptionResolver(IOptions<SubscriptionOptions> options)
{
    private const int MaxIdentifierLength = 63;
    private const int MaxColumns = 200;

    /// <exception cref="SubscriptionException">The subscription cannot be made.</exception>
    public async Task<ResolvedSubscription> ResolveAsync(
        NpgsqlConnection connection, SubscriptionRequest request, string role, ClaimSet claims, CancellationToken cancellationToken)
    {
        var wanted = SubscriptionEvents.Parse(request.Event);
        var schema = RequireName(request.Schema, "public");
        var table = RequireName(request.Table, GroupDefinition.Any);
        var filter = FilterParser.Parse(request.Filter);
        await RequireSurroundingsAsync(connection, role, schema, cancellationToken);
        var definition = new GroupDefinition { Schema = schema, Table = table, Event = wanted, Role = role, Leave = request.Leave };
        return table == GroupDefinition.Any
            ? ResolveAnyTable(request, definition, claims)
            : await ResolveTableAsync(connection, request, definition, filter, claims, cancellationToken);
    }

    private static string RequireName(string? name, string otherwise)
    {
        if (string.IsNullOrEmpty(name))
        {
            return otherwise;
        }

        return name.Length <= MaxIdentifierLength && !name.Any(char.IsControl)
            ? name
            : throw SubscriptionException.Invalid(
                "InvalidTable", $"A schema or table name is longer than PostgreSQL's {MaxIdentifierLength} characters, or holds a control character.");
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

        if (!exist.Schema && schema != GroupDefinition.Any)
        {
            throw SubscriptionException.Invalid("UnknownSchema", $"There is no schema '{schema}'. The default is 'public'.");
        }
    }

    // Which tables it will be about is known only when they change, and their policies may tell its members apart: so it is for these claims alone from the start.
    private static ResolvedSubscription ResolveAnyTable(SubscriptionRequest request, GroupDefinition definition, ClaimSet claims)
    {
        if (!string.IsNullOrWhiteSpace(request.Filter) || request.Select is { Count: > 0 })
        {
            throw SubscriptionException.Invalid("FilterWithoutTable", "A filter or a choice of columns needs a table: name the one that it is about.");
        }

        var note = new SubscriptionNote(false, "Subscribed to every published table, as far as the role may read it and its policies allow.");
        return new ResolvedSubscription(definition with { ClaimsKey = claims.HexKey }, request, [note]);
    }

    private async Task<ResolvedSubscription> ResolveTableAsync(
        NpgsqlConnection connection,
        SubscriptionRequest request,
        GroupDefinition definition,
        FilterSyntax filter,
        ClaimSet claims,
        CancellationToken cancellationToken)
    {
        var description = await TableCatalog.DescribeAsync(
            connection, options.Value.Publication, definition.Schema, definition.Table, definition.Role, cancellationToken)
            ?? throw SubscriptionException.Invalid(
                "UnknownTable", $"There is no table '{definition.Table}' in schema '{definition.Schema}'. Names are case-sensitive and written without quotes.");
        var policy = (await PolicyCatalog.ReadAsync(connection, [description.Oid], [definition.Role], cancellationToken))
            .GetValueOrDefault((description.Oid, definition.Role));
        RequireReadable(description, policy, definition.Role);
        var node = await FilterResolver.ResolveAsync(connection, description, filter, definition.Role, cancellationToken);
        var resolved = definition with
        {
            Filter = node is AllNode { Parts.Count: 0 } ? null : node.ToJson(),
            FilterTypes = [.. description.Columns.Where(column => node.Columns.Contains(column.Name)).Select(column => FilterColumn.Signature(column.Name, column.TypeOid, column.CollationOid)).Order(StringComparer.Ordinal)],
            Columns = ChosenColumns(request.Select, description),
            ClaimsKey = PolicyClaims.TellApart(policy!) ? claims.HexKey : null,
        };
        return new ResolvedSubscription(resolved, request, [.. SubscriptionNotes.For(description, policy!, resolved, node, options.Value)]);
    }

    private void RequireReadable(TableDescription table, TablePolicy? policy, string role)
    {
        var name = SqlName.Of(table.Schema, table.Name);
        if (!table.IsPublished)
        {
            throw SubscriptionException.Invalid("TableNotPublished", NotPublished(table, name));
        }

        if (policy is not { HasSelect: true })
        {
            throw new SubscriptionException(
                "InsufficientPrivilege", StatusCodes.Status403Forbidden, $"Role '{role}' may not read {name}. Run: grant select on {name} to {SqlName.Of(role)};");
        }
    }

    private string NotPublished(TableDescription table, string name)
    {
        var publication = SqlName.Of(options.Value.Publication);
        return table switch
        {
            { PartitionsArePublished: true } =>
                $"Table {name} is partitioned, and the publication carries its changes under the names of its partitions. Run: alter publication {publication} set (publish_via_partition_root = true); Or subscribe to the partitions.",
            { PublishedAncestor: { } ancestor } =>
                $"Table {name} is a partition of {ancestor}, and the publication carries its changes under that name. Subscribe to {ancestor}, with a filter on the columns by which it is partitioned.",
            _ => $"Table {name} is not in the publication, so its changes are not streamed. Run: alter publication {publication} add table {name};",
        };
    }

    private static List<string>? ChosenColumns(IReadOnlyList<string?>? chosen, TableDescription table)
    {
        if (chosen is null or { Count: 0 })
        {
            return null;
        }

        if (chosen.Count > MaxColumns)
        {
            throw SubscriptionException.Invalid("InvalidSelect", $"'select' names {chosen.Count} columns; at most {MaxColumns} are accepted.");
        }

        var names = chosen
            .Select(name => name ?? throw SubscriptionException.Invalid("InvalidSelect", "'select' holds null where a column's name is expected. Leave it out."))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToList();
        foreach (var name in names)
        {
            var column = table.Columns.FirstOrDefault(column => column.Name == name)
                ?? throw SubscriptionException.Invalid("InvalidSelect", $"'select' names '{Shorten(name)}', and {SqlName.Of(table.Schema, table.Name)} has no such column.");
            if (!column.RoleMaySelect)
            {
                throw SubscriptionException.Invalid("InvalidSelect", $"'select' names '{name}', which the role may not read. Leave it out, or grant select on that column.");
            }
        }

        return names;
    }

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "...";
}
