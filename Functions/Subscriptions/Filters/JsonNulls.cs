using Npgsql;

namespace Serverless.Subscriptions.Filters;

/// <summary>Makes a condition on a <c>jsonb</c> column hold for what images say of it: they have null for SQL's null and for the value null of JSON.</summary>
internal static class JsonNulls
{
    /// <param name="sql">A boolean expression over the column's quoted name, that PostgreSQL takes.</param>
    public static async Task<AskNode> AskAsync(NpgsqlConnection connection, ColumnDescription column, string sql, CancellationToken cancellationToken)
    {
        var name = SqlName.Of(column.Name);
        await using var command = new NpgsqlCommand(
            $"select (select {sql} from (select null::pg_catalog.jsonb as {name}) r), (select {sql} from (select 'null'::pg_catalog.jsonb as {name}) r)", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        bool? ofSql = reader.IsDBNull(0) ? null : reader.GetBoolean(0);
        bool? ofJson = reader.IsDBNull(1) ? null : reader.GetBoolean(1);
        var ofEither = ofSql != ofJson ? "null" : ofSql switch { true => "true", false => "false", null => "null" };
        return new AskNode(column.Name, $"(case when {name} is null then {ofEither} else {sql} end)", HasUnclearNull: ofSql != ofJson);
    }
}
