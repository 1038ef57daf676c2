using Npgsql;
using NpgsqlTypes;
using Serverless.Database;

namespace Serverless.Presence;

/// <summary>A topic that nobody else changes, from <see cref="PresenceTurns.TakeAsync"/> until it is disposed.</summary>
/// <remarks>
/// Whoever has it changes the topic, commits, hands what has changed to delivery, and only then lets the next one in: so diffs leave in the order of their versions, whichever instance
/// makes them. A holder that dies between the two leaves <c>told</c> behind <c>version</c>, and the sweep tells.
/// </remarks>
internal sealed class PresenceTurn(NpgsqlConnection connection, PresenceTopic topic, SemaphoreSlim places) : IAsyncDisposable
{
    private bool _released;

    /// <summary>Makes sessions present or absent, as far as the topic's limits allow, and commits. No session may be named twice.</summary>
    public Task<ChangeResult> ChangeAsync(IReadOnlyList<PresenceWish> wishes, PresenceOptions limits, CancellationToken cancellationToken) => ReadChangeAsync(
        new NpgsqlCommand("select change, session_id, key, ref, meta, version from serverless_realtime.change_presence($1, $2, $3, $4, $5, $6, $7)", connection)
        {
            Parameters =
            {
                new() { Value = topic.Name },
                new() { Value = topic.IsPrivate },
                new() { Value = wishes.Select(wish => wish.Session).ToArray() },
                new() { Value = wishes.Select(_ => MemberRef.Next()).ToArray() },
                new() { Value = wishes.Select(wish => wish.Meta).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = limits.MaxMembers },
                new() { Value = (long)limits.TopicBytes },
            },
        },
        cancellationToken);

    /// <summary>Takes away up to so many members who have been silent for so long or have left the topic, and commits.</summary>
    public async Task<TopicChange?> DropAsync(TimeSpan silent, int most, CancellationToken cancellationToken) => (await ReadChangeAsync(
        new NpgsqlCommand("select change, session_id, key, ref, meta, version from serverless_realtime.drop_presence($1, $2, $3, $4)", connection)
        {
            Parameters = { new() { Value = topic.Name }, new() { Value = topic.IsPrivate }, new() { Value = silent }, new() { Value = most } },
        },
        cancellationToken)).Change;

    /// <summary>What is true of the topic, where receivers have not been told of all of it; otherwise null.</summary>
    public async Task<PresenceSnapshot?> ReadUntoldAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select told < version from serverless_realtime.presence_topic where topic = $1 and private = $2", connection)
        {
            Parameters = { new() { Value = topic.Name }, new() { Value = topic.IsPrivate } },
        };
        return await command.ExecuteScalarAsync(cancellationToken) is true ? await PresenceStore.ReadAsync(connection, topic, cancellationToken) : null;
    }

    /// <summary>Records that receivers have been told up to a version by diffs from another, if they had been told up to that, and lets the next one in.</summary>
    public Task EndToldAsync(long previous, long version, CancellationToken cancellationToken) => EndAsync(
        new NpgsqlBatchCommand("update serverless_realtime.presence_topic set told = $3, untold_since = null where topic = $1 and private = $2 and told = $4")
        {
            Parameters = { new() { Value = topic.Name }, new() { Value = topic.IsPrivate }, new() { Value = version }, new() { Value = previous } },
        },
        cancellationToken);

    /// <summary>The same where they have been told the whole state, which mends every hole before it.</summary>
    public Task EndToldAsync(long version, CancellationToken cancellationToken) => EndAsync(
        new NpgsqlBatchCommand("update serverless_realtime.presence_topic set told = $3, untold_since = null where topic = $1 and private = $2")
        {
            Parameters = { new() { Value = topic.Name }, new() { Value = topic.IsPrivate }, new() { Value = version } },
        },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_released)
            {
                await connection.DisposeAsync();
            }
            else
            {
                await AdvisoryLocks.AbandonAsync(connection);
            }
        }
        finally
        {
            places.Release();
        }
    }

    // What was done is done and committed. If this fails, the lock ends with the connection, and receivers are told once more.
    private async Task EndAsync(NpgsqlBatchCommand told, CancellationToken cancellationToken)
    {
        // Error barriers make two transactions of the two statements: in one, the next holder would have the topic before the update is committed.
        await using var batch = new NpgsqlBatch(connection)
        {
            EnableErrorBarriers = true,
            BatchCommands =
            {
                told,
                new NpgsqlBatchCommand("select pg_advisory_unlock($1, $2)")
                {
                    Parameters = { new() { Value = AdvisoryLocks.Presence }, new() { Value = AdvisoryLocks.Hash(topic.LockName) } },
                },
            },
        };
        try
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
            _released = true;
        }
        catch (NpgsqlException)
        {
            // Left to the disposal and the sweep.
        }
    }

    private static async Task<ChangeResult> ReadChangeAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var disposed = command;
        var members = new List<MemberChange>();
        var refused = new Dictionary<Guid, ChangeOutcome>();
        var version = 0L;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            switch (reader.GetString(0))
            {
                case "version":
                    version = reader.GetInt64(5);
                    break;
                case "refused":
                    refused.Add(reader.GetGuid(1), ChangeOutcome.NotJoined);
                    break;
                case "too many":
                    refused.Add(reader.GetGuid(1), ChangeOutcome.TooMany);
                    break;
                case "too large":
                    refused.Add(reader.GetGuid(1), ChangeOutcome.TooLarge);
                    break;
                case var change:
                    members.Add(new MemberChange(change == "join", reader.GetString(2), reader.GetString(3), reader.GetString(4)));
                    break;
            }
        }

        return new ChangeResult(members.Count > 0 ? new TopicChange(version, members) : null, refused);
    }
}
