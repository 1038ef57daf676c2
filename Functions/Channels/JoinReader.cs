using Serverless.Auth;
using Serverless.Broadcast;
using Serverless.Calls;
using Serverless.Presence;
using Serverless.Subscriptions;

namespace Serverless.Channels;

/// <summary>Reads a channel that a client wants to join, and says what is wrong with it.</summary>
internal sealed class JoinReader(JwtVerifier verifier)
{
    /// <summary>The last moment that a <see cref="DateTimeOffset"/> holds, in milliseconds since 1970.</summary>
    private const long LastInstant = 253_402_300_799_999;

    /// <param name="caller">Whose rights count where the channel brings no token of its own.</param>
    /// <returns>The channel, or why it cannot be joined.</returns>
    public async ValueTask<(ChannelJoin? Join, ErrorAnswer? Refusal)> ReadAsync(JoinBody? body, Caller caller, CancellationToken cancellationToken)
    {
        if (TopicName.Check(body?.Topic) is { } badTopic)
        {
            return (null, badTopic);
        }

        // Supabase's newer API keys are no tokens; the call's own key decides then.
        if (body!.AccessToken is { Length: > 0 } token && !token.StartsWith("sb_", StringComparison.Ordinal))
        {
            var verdict = await verifier.VerifyAsync(token, cancellationToken);
            if (verdict.Caller is not { } own)
            {
                return (null, ErrorAnswer.For(verdict.Error));
            }

            caller = own;
        }

        var config = body.Config;
        var requests = config?.PostgresChanges?.OfType<SubscriptionRequest>().ToList() ?? [];
        var refusal = CheckRequests(requests.Count) ?? (config?.Presence?.Key is { Length: > 0 } presenceKey ? PresenceKey.Check(presenceKey) : null) ?? CheckReplay(config);
        return refusal is not null ? (null, refusal) : (new ChannelJoin(body.Topic!, caller, requests)
        {
            IsPrivate = config?.Private is true,
            WantsPresence = config?.Presence?.Enabled is true,
            PresenceKey = config?.Presence?.Key is { Length: > 0 } key ? key : Guid.NewGuid().ToString(),
            Replay = ReplayOf(config?.Broadcast?.Replay),
            WantsReplicationReady = config?.Broadcast?.ReplicationReady is true,
        }, null);
    }

    private static ErrorAnswer? CheckRequests(int count) => count <= ChannelJoin.MaxRequests
        ? null
        : ErrorAnswer.BadRequest("TooManySubscriptions", $"The channel asks for {count} subscriptions; at most {ChannelJoin.MaxRequests} are accepted.");

    private static ErrorAnswer? CheckReplay(ChannelConfig? config) => config?.Broadcast?.Replay switch
    {
        null => null,
        _ when config.Private is false => ErrorAnswer.BadRequest("UnableToReplayMessages", "Replay is not allowed for public channels: nothing is kept of them. Join with 'private': true."),
        { Since: not (>= 0 and <= LastInstant) } => ErrorAnswer.BadRequest("UnableToReplayMessages", "Replay params are not valid: 'since' is a number of milliseconds since 1970."),
        { Limit: < 1 or > KeptMessages.MostReplayed } =>
            ErrorAnswer.BadRequest("UnableToReplayMessages", $"Replay params are not valid: 'limit' lies between 1 and {KeptMessages.MostReplayed}."),
        _ => null,
    };

    private static Replay? ReplayOf(ReplayConfig? config) =>
        config is null ? null : new Replay(DateTimeOffset.FromUnixTimeMilliseconds(config.Since!.Value), config.Limit ?? KeptMessages.MostReplayed);
}
