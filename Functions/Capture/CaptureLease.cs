using System.Text;
using Npgsql;

namespace Serverless.Capture;

/// <summary>
/// The right to stream from a slot, held by one session at a time: a session-level advisory lock, which ends with its connection. Standbys
/// find it taken without touching the slot.
/// </summary>
internal sealed class CaptureLease : IAsyncDisposable
{
    private static readonly TimeSpan _checkEvery = TimeSpan.FromSeconds(5);

    private readonly NpgsqlConnection _connection;

    private CaptureLease(NpgsqlConnection connection) => _connection = connection;

    /// <summary>The lease, or null while another session holds it.</summary>
    public static async Task<CaptureLease?> TryAcquireAsync(CaptureConnections connections, string slot, CancellationToken cancellationToken)
    {
        var connection = await connections.OpenAsync(cancellationToken);
        var acquired = false;
        try
        {
            await using var command = new NpgsqlCommand("select pg_try_advisory_lock($1)", connection);
            command.Parameters.AddWithValue(KeyOf(slot));
            acquired = await command.ExecuteScalarAsync(cancellationToken) is true;
            return acquired ? new CaptureLease(connection) : null;
        }
        finally
        {
            if (!acquired)
            {
                await connection.DisposeAsync();
            }
        }
    }

    /// <summary>Runs until the lease's connection fails, which is when another session may have taken over: then this one must end.</summary>
    public async Task WatchAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(_checkEvery, time);
        await using var command = new NpgsqlCommand("select 1", _connection) { CommandTimeout = 10 };
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            await command.ExecuteScalarAsync(cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    // FNV-1a, 64 bits: the same key in every process and version.
    private static long KeyOf(string slot)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in Encoding.UTF8.GetBytes("serverless_realtime.capture." + slot))
        {
            hash = unchecked((hash ^ b) * 1099511628211UL);
        }

        return unchecked((long)hash);
    }
}
