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

    /// <summary>
    /// Runs until the lease's connection fails, which is when another session may have taken over, or until nobody streams from the slot any more: then this session must end.
    /// </summary>
    /// <remarks>
    /// The server may have ended the stream and the driver not have noticed. Twice in a row, since a stream that has just been begun holds its slot a moment later.
    /// </remarks>
    /// <exception cref="IOException">The stream has ended unnoticed.</exception>
    public async Task WatchAsync(string slot, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(_checkEvery, time);
        await using var command = new NpgsqlCommand("select exists (select from pg_replication_slots where slot_name = $1 and active)", _connection) { CommandTimeout = 10 };
        command.Parameters.AddWithValue(slot);
        for (var idle = 0; await timer.WaitForNextTickAsync(cancellationToken);)
        {
            idle = await command.ExecuteScalarAsync(cancellationToken) is true ? 0 : idle + 1;
            if (idle == 2)
            {
                throw new IOException($"Nobody streams from replication slot '{slot}' any more: the server has ended the stream unnoticed. It is opened again.");
            }
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
