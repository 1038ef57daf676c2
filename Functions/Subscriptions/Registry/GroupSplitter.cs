using Npgsql;
using Serverless.Database;
using Serverless.Delivery;
using Serverless.Subscriptions.Matching;

namespace Serverless.Subscriptions.Registry;

/// <summary>
/// Divides a group by its members' claims, when policies have come that can tell the members apart. Afterwards nothing is sent to the group any more; its
/// members go on in groups of their own, under the number they know.
/// </summary>
internal sealed class GroupSplitter(
    NpgsqlDataSource dataSource,
    [FromKeyedServices(DatabaseServices.ForLeases)] NpgsqlDataSource leases,
    IRealtimeDelivery delivery)
{
    private const int SessionsAtOnce = 8;

    /// <summary>Divides the group, and returns when every member has joined its new group.</summary>
    /// <remarks>One instance at a time: another that came later would find nothing left to move, and send before the first has joined the members.</remarks>
    public async Task SplitAsync(SubscriberGroup group, CancellationToken cancellationToken)
    {
        await using var connection = await leases.OpenConnectionAsync(cancellationToken);
        try
        {
            await using (var command = new NpgsqlCommand("select pg_advisory_lock($1, $2)", connection))
            {
                command.Parameters.AddWithValue(AdvisoryLocks.Split);
                command.Parameters.AddWithValue(AdvisoryLocks.Hash(group.Name));
                await command.ExecuteNonQueryAsync(cancellationToken);
            }

            var claimsKeys = await ReadClaimsKeysAsync(connection, group, cancellationToken);
            var moved = await MoveAsync(connection, group, claimsKeys, cancellationToken);
            await Parallel.ForEachAsync(
                moved.Distinct(),
                new ParallelOptions { MaxDegreeOfParallelism = SessionsAtOnce, CancellationToken = cancellationToken },
                async (member, token) => await FollowAsync(member.Session, member.Group, token));
        }
        finally
        {
            await AdvisoryLocks.AbandonAsync(connection);
        }
    }

    private static async Task<List<byte[]>> ReadClaimsKeysAsync(NpgsqlConnection connection, SubscriberGroup group, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "select distinct claims_key from serverless_realtime.subscription where group_id = $1 and left_at is null", connection);
        command.Parameters.AddWithValue(group.Id);
        var keys = new List<byte[]>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            keys.Add(reader.GetFieldValue<byte[]>(0));
        }

        return keys;
    }

    private static async Task<List<(Guid Session, long Group)>> MoveAsync(
        NpgsqlConnection connection, SubscriberGroup group, List<byte[]> claimsKeys, CancellationToken cancellationToken)
    {
        var definitions = claimsKeys
            .Select(key => (group.Definition with { ClaimsKey = Convert.ToHexStringLower(key), SplitFrom = group.Number }).ToJson())
            .ToArray();
        await using var command = new NpgsqlCommand("select session_id, group_id from serverless_realtime.split_group($1, $2, $3, $4, $5)", connection);
        command.Parameters.AddWithValue(group.Id);
        command.Parameters.AddWithValue(group.Number);
        command.Parameters.AddWithValue(claimsKeys.ToArray());
        command.Parameters.AddWithValue(definitions.Select(GroupDefinition.KeyOf).ToArray());
        command.Parameters.AddWithValue(definitions);
        var moved = new List<(Guid, long)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            moved.Add((reader.GetGuid(0), reader.GetInt64(1)));
        }

        return moved;
    }

    // Under the session's lease, so that a join or leave of the same session cannot come between looking and joining. The old group is not left: a batch of another table that was judged
    // before may be on its way to it, and nothing is sent to it after that.
    private async Task FollowAsync(Guid session, long group, CancellationToken cancellationToken)
    {
        await using var lease = await SessionLease.AcquireAsync(dataSource, session, cancellationToken);
        var groups = await SubscriptionRegistry.GroupsOfAsync(lease.Connection, session, cancellationToken);
        if (groups.Contains(group))
        {
            await delivery.AddUserToGroupAsync(session.ToString("N"), SubscriberGroup.NameOf(group), cancellationToken);
        }
    }
}
