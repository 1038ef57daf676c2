using Npgsql;
using Serverless.Database;

namespace Serverless.Presence;

/// <summary>Gives out the right to change a topic's presence and to tell of it: to one holder at a time among all instances.</summary>
internal sealed class PresenceTurns([FromKeyedServices(DatabaseServices.ForPresence)] NpgsqlDataSource dataSource) : IDisposable
{
    // What is left of the connections is for those who only read.
    private readonly SemaphoreSlim _places = new(DatabaseServices.MaxPresence - 4);

    /// <summary>Waits for the topic. PostgreSQL lets those who wait in by the order of their coming.</summary>
    public async Task<PresenceTurn> TakeAsync(PresenceTopic topic, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken);
        NpgsqlConnection? connection = null;
        try
        {
            connection = await dataSource.OpenConnectionAsync(cancellationToken);
            await using var command = new NpgsqlCommand("select pg_advisory_lock($1, $2)", connection)
            {
                Parameters = { new() { Value = AdvisoryLocks.Presence }, new() { Value = AdvisoryLocks.Hash(topic.LockName) } },
            };
            await command.ExecuteNonQueryAsync(cancellationToken);
            return new PresenceTurn(connection, topic, _places);
        }
        catch
        {
            // The lock may have been granted while we were giving up.
            if (connection is not null)
            {
                await AdvisoryLocks.AbandonAsync(connection);
            }

            _places.Release();
            throw;
        }
    }

    public void Dispose() => _places.Dispose();
}
