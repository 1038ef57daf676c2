using Npgsql;
using Serverless.Database;

namespace Serverless.Subscriptions.Registry;

/// <summary>The right to change one session's channels, held while its registrations and its SignalR groups are brought together.</summary>
/// <remarks>
/// Two joins of one topic at the same time would otherwise register in one order and join groups in the other, and leave the connection in a
/// group that no registration of its stands for.
/// </remarks>
internal sealed class SessionLease(NpgsqlConnection connection) : IAsyncDisposable
{
    public NpgsqlConnection Connection { get; } = connection;

    public static async Task<SessionLease> AcquireAsync(NpgsqlDataSource dataSource, Guid session, CancellationToken cancellationToken)
    {
        var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var command = new NpgsqlCommand("select pg_advisory_lock($1, $2)", connection)
            {
                Parameters = { new() { Value = AdvisoryLocks.Session }, new() { Value = AdvisoryLocks.Hash(session.ToString("N")) } },
            };
            await command.ExecuteNonQueryAsync(cancellationToken);
            return new SessionLease(connection);
        }
        catch
        {
            await AdvisoryLocks.AbandonAsync(connection);
            throw;
        }
    }

    public async ValueTask DisposeAsync() => await AdvisoryLocks.AbandonAsync(Connection);
}
