using System.Globalization;
using Npgsql;

namespace Serverless.Chaos;

/// <summary>What SQL says that somebody may see, and which transactions it had seen by then.</summary>
/// <param name="Rows">The number of the last change of each row, by its key.</param>
internal sealed record Snapshot(Dictionary<int, long> Rows, ulong Min, ulong Max, HashSet<ulong> Running)
{
    /// <summary>Whether it includes what that transaction has done.</summary>
    public bool Includes(ulong transaction) => transaction < Min || (transaction < Max && !Running.Contains(transaction));

    /// <summary>Reads a table as the subscriber does: under his role and claims, through the policies.</summary>
    public static async Task<Snapshot> TakeAsync(NpgsqlDataSource database, Wish wish, int owner, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        await using var command = new NpgsqlCommand($$"""select pg_current_snapshot()::text, set_config('request.jwt.claims', '{"sub":"{{Schema.Owner(owner)}}","role":"authenticated"}', true), set_config('role', 'authenticated', true)""", connection);
        var parts = ((string)(await command.ExecuteScalarAsync(cancellationToken))!).Split(':');
        command.CommandText = $"select id, number from {wish.Table} where {wish.Sql}";
        var rows = new Dictionary<int, long>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                rows[reader.GetInt32(0)] = reader.GetInt64(1);
            }
        }

        HashSet<ulong> running = [.. parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(Read)];
        return new Snapshot(rows, Read(parts[0]), Read(parts[1]), running);
    }

    private static ulong Read(string text) => ulong.Parse(text, CultureInfo.InvariantCulture);
}
