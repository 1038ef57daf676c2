using Npgsql;

namespace Serverless.Subscriptions.Filters;

/// <summary>An operator of PostgreSQL, named so that every search path finds the same one.</summary>
/// <param name="Sql"><c>operator(schema.name)</c>.</param>
/// <param name="OperandType">The type of its right side.</param>
internal sealed record SqlOperator(string Sql, string OperandType)
{
    // A type's own operator comes before what PostgreSQL offers to all enums, arrays, ranges and strings.
    private const string Find =
        """
        select quote_ident(n.nspname), o.oprright = o.oprleft
        from pg_operator o
        join pg_namespace n on n.oid = o.oprnamespace
        join pg_type t on t.oid = o.oprleft
        where o.oprname = $1 and o.oprleft = $2::regtype and o.oprright in (o.oprleft, 'pg_catalog.text'::regtype)
        order by o.oprright = o.oprleft desc, o.oprnamespace = t.typnamespace desc, n.nspname
        limit 1
        """;

    /// <param name="type">Quoted and with its schema.</param>
    public static async Task<SqlOperator> FindAsync(NpgsqlConnection connection, FilterOperator @operator, string type, CancellationToken cancellationToken)
    {
        var name = @operator.SqlName();
        await using var command = new NpgsqlCommand(Find, connection)
        {
            Parameters = { new() { Value = name }, new() { Value = type, DataTypeName = "text" } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (await reader.ReadAsync(cancellationToken))
        {
            return new SqlOperator($"operator({reader.GetString(0)}.{name})", reader.GetBoolean(1) ? type : "pg_catalog.text");
        }

        var isPattern = @operator is FilterOperator.Like or FilterOperator.ILike or FilterOperator.Match or FilterOperator.IMatch;
        return new SqlOperator($"operator(pg_catalog.{name})", isPattern ? "pg_catalog.text" : type);
    }
}
