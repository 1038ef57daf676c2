using Npgsql;
using Serverless.Database;

namespace Serverless.Presence;

/// <summary>Lets one instance at a time sweep, by an advisory lock that nobody waits for.</summary>
internal sealed class SweepTurn([FromKeyedServices(DatabaseServices.ForPresence)] NpgsqlDataSource dataSource)
{
    /// <summary>Sweeps, unless another instance does.</summary>
    /// <param name="what">What is swept: the lock's second key.</param>
    public async Task RunAsync(int what, Func<NpgsqlConnection, Task> sweep, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var lockCommand = Command(connection, "select pg_try_advisory_lock($1, $2)", what);
        if (await lockCommand.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return;
        }

        try
        {
            await sweep(connection);
        }
        finally
        {
            // A connection that broke took the lock with it.
            if (connection.FullState == System.Data.ConnectionState.Open)
            {
                await using var unlock = Command(connection, "select pg_advisory_unlock($1, $2)", what);
                await unlock.ExecuteNonQueryAsync(CancellationToken.None);
            }
        }
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, int what) =>
        new(sql, connection) { Parameters = { new() { Value = AdvisoryLocks.PresenceSweep }, new() { Value = what } } };
}
