using Npgsql;

namespace Serverless.Chaos;

/// <summary>What decides who sees a row.</summary>
internal readonly record struct RowFacts(int Owner, int Team, int State);

/// <summary>A change as the database itself has noted it: what was written, and by which transaction.</summary>
internal sealed record Change(int Id, long Number, string Operation, string Table, ulong Transaction, RowFacts? Old, RowFacts? New)
{
    /// <summary>The row by which it is judged.</summary>
    public RowFacts Judged => New ?? Old!.Value;

    public static async Task<List<Change>> ReadAllAsync(NpgsqlDataSource database)
    {
        var changes = new List<Change>();
        await using var command = database.CreateCommand("select number, op, tbl, xid::text::int8, old_owner, old_team, old_state, new_owner, new_team, new_state, id from audit");
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            changes.Add(new Change(reader.GetInt32(10), reader.GetInt64(0), reader.GetString(1), reader.GetString(2), (ulong)reader.GetInt64(3), Facts(4), Facts(7)));
        }

        return changes;

        RowFacts? Facts(int at) => reader.IsDBNull(at) ? null : new RowFacts(reader.GetInt32(at), reader.GetInt32(at + 1), reader.GetInt32(at + 2));
    }
}
