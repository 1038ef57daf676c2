using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions.Explanations;

/// <summary>Reads one row as its reader may, and holds a filter against it clause by clause.</summary>
/// <param name="limit">How long the policies may take over the row.</param>
internal sealed class RowExplainer(NpgsqlConnection connection, TableDescription table, TablePolicy policy, ExplainedCaller reader, TimeSpan limit)
{
    public async Task<ExplainedRow> ExplainAsync(string? filter, JsonElement key, CancellationToken cancellationToken)
    {
        string? json;
        try
        {
            json = await ReadAsync(key, cancellationToken);
        }
        catch (PostgresException ex) when (ex.SqlState == PolicyFailure.TookTooLong)
        {
            return new ExplainedRow(Found: false, Clauses: null, Delivered: false, new PolicyFailure(ex.SqlState).Message(policy));
        }
        catch (PostgresException ex) when (!ex.IsTransient)
        {
            var text = reader.IsTrusted ? $": {ex.MessageText}" : "";
            throw SubscriptionException.Invalid(
                "InvalidRow", $"The row could not be read as role '{reader.Role}' (SQLSTATE {ex.SqlState}{text}). Check the key's values, and the policies with these claims.");
        }

        if (json is null)
        {
            return new ExplainedRow(Found: false, Clauses: null, Delivered: false);
        }

        var image = ToImage(json);
        var clauses = new List<ExplainedClause>();
        foreach (var part in FilterParser.Parse(filter) is AllSyntax all ? all.Parts : [FilterParser.Parse(filter)])
        {
            var node = await FilterResolver.ResolveAsync(connection, table, part, reader.Role, cancellationToken);
            var text = string.Join(", ", part.Conditions.Select(condition => condition.Text));
            clauses.Add(new ExplainedClause(text, await JudgeAsync(node, image, cancellationToken)));
        }

        return new ExplainedRow(Found: true, clauses, Delivered: clauses.TrueForAll(clause => clause.Verdict == true));
    }

    /// <summary>The row's readable columns as JSON, read as the role and under its policies; null where it sees none.</summary>
    private async Task<string?> ReadAsync(JsonElement key, CancellationToken cancellationToken)
    {
        var keys = table.Columns.Where(column => column.IsPrimary).Select(column => column.Name).ToList();
        if (keys.Count == 0 || key.ValueKind != JsonValueKind.Object || keys.Exists(name => !key.TryGetProperty(name, out _)))
        {
            throw SubscriptionException.Invalid(
                "InvalidRow", $"'row' must be an object with the key of {SqlName.Of(table.Schema, table.Name)}: {string.Join(", ", keys.Select(name => $"'{name}'"))}.");
        }

        var name = SqlName.Of(table.Schema, table.Name);
        var readable = table.Columns.Where(column => policy.ReadableColumns?.Contains(column.Name) ?? true).Select(column => SqlName.Of(column.Name));
        var columns = string.Join(", ", keys.Select(SqlName.Of));
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction)
        {
            BatchCommands =
            {
                StatementLimit.Command(limit),

                // The connection has served others, whose claims may stand as constants in plans that functions keep.
                new NpgsqlBatchCommand("discard plans"),
                new NpgsqlBatchCommand("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true), set_config('request.jwt.claim.sub', coalesce($2::jsonb ->> 'sub', ''), true)")
                {
                    Parameters = { new() { Value = reader.Role }, new() { Value = reader.Claims.Text } },
                },
                new NpgsqlBatchCommand(
                    $"select to_jsonb(r)::text from (select {string.Join(", ", readable)} from {name} where ({columns}) = (select {columns} from jsonb_populate_record(null::{name}, $1))) r")
                {
                    Parameters = { new() { Value = key.GetRawText(), NpgsqlDbType = NpgsqlDbType.Jsonb } },
                },
            },
        };
        await using var rows = await batch.ExecuteReaderAsync(cancellationToken);
        await rows.NextResultAsync(cancellationToken);
        await rows.NextResultAsync(cancellationToken);
        return await rows.ReadAsync(cancellationToken) ? rows.GetString(0) : null;
    }

    // Strings are written as capture writes them, since predicates compare tokens.
    private RowImage ToImage(string json)
    {
        using var document = JsonDocument.Parse(json);
        var row = document.RootElement;
        var columns = table.Columns.Where(column => row.TryGetProperty(column.Name, out _)).ToList();
        var relation = new Relation(
            table.Oid, table.Schema, table.Name, ReplicaIdentity.Full, [.. columns.Select(column => new Column(column.Name, column.TypeOid, column.BaseTypeName, column.IsKey))], []);
        var text = columns.Select(column => Encoding.UTF8.GetString(JsonText.Encode(column.Name)) + ":" + Token(row.GetProperty(column.Name)));
        return new RowImage(relation, Encoding.UTF8.GetBytes("{" + string.Join(',', text) + "}"));
    }

    private static string Token(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? Encoding.UTF8.GetString(JsonText.Encode(value.GetString()!)) : value.GetRawText();

    private async Task<bool?> JudgeAsync(FilterNode node, RowImage image, CancellationToken cancellationToken)
    {
        var predicate = node.Compile();
        if (!predicate.CanJudge(image))
        {
            return null;
        }

        switch (predicate.Evaluate(image))
        {
            case Truth.True:
                return true;
            case Truth.False:
                return false;
            case Truth.Unknown:
                return null;
            default:
                var answers = await FilterQuestions.AskAsync(
                    connection, image.Relation, [FilterQuestion.About(node, [image])], FilterQuestions.DefaultLimit, cancellationToken);
                return answers[0].Verdicts[0];
        }
    }
}
