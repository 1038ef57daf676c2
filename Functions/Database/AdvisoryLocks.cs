using Npgsql;

namespace Serverless.Database;

/// <summary>First keys of our two-key advisory locks, so that no two uses collide. The second key names the thing locked.</summary>
internal static class AdvisoryLocks
{
    public const int Migration = 0x5352_0001;

    /// <summary>Second key: the hash of a partition's name.</summary>
    public const int Partition = 0x5352_0002;

    /// <summary>Second key: the hash of a session's id.</summary>
    public const int Session = 0x5352_0003;

    public const int Sweep = 0x5352_0004;

    /// <summary>Second key: the hash of the name of a group that is being split.</summary>
    public const int Split = 0x5352_0005;

    /// <summary>Second key: the hash of a topic whose presence changes.</summary>
    public const int Presence = 0x5352_0006;

    /// <summary>Second key: 0 for members, 1 for rows of tables.</summary>
    public const int PresenceSweep = 0x5352_0007;

    /// <summary>A second key from a name: FNV-1a, the same in every process. Two names that share a key only wait for each other.</summary>
    public static int Hash(ReadOnlySpan<char> name)
    {
        var hash = 2166136261u;
        foreach (var c in name)
        {
            hash = unchecked((hash ^ c) * 16777619u);
        }

        return unchecked((int)hash);
    }

    /// <summary>Gives up every lock that a connection in an unknown state may hold, and the connection.</summary>
    public static async Task AbandonAsync(NpgsqlConnection connection)
    {
        try
        {
            await using var unlock = new NpgsqlCommand("select pg_advisory_unlock_all()", connection) { CommandTimeout = 5 };
            await unlock.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (Exception ex) when (ex is NpgsqlException or InvalidOperationException)
        {
            // The connection is broken, and its locks ended with it on the server.
        }

        await connection.DisposeAsync();
    }
}
