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
    /// <returns>Null with the reason where it cannot be joined.</returns>
    public ChannelJoin? Read(JoinBody? body, Caller caller, out ErrorAnswer? refusal)
    {
        refusal = TopicName.Check(body?.Topic);
        if (refusal is not null || !TryReadCaller(body!, ref caller, out refusal))
        {
            return null;
        }

        var config = body!.Config;
        var requests = config?.PostgresChanges?.OfType<SubscriptionRequest>().ToList() ?? [];
        refusal = CheckRequests(requests.Count) ?? (config?.Presence?.Key is { Length: > 0 } presenceKey ? PresenceKey.Check(presenceKey) : null) ?? CheckReplay(config);
        return refusal is not null ? null : new ChannelJoin(body.Topic!, caller, requests)
        {
            IsPrivate = config?.Private is true,
            WantsPresence = config?.Presence?.Enabled is true,
            PresenceKey = config?.Presence?.Key is { Length: > 0 } key ? key : Guid.NewGuid().ToString(),
            Replay = ReplayOf(config?.Broadcast?.Replay),
            WantsReplicationReady = config?.Broadcast?.ReplicationReady is true,
        };
    }

    // Supabase's newer API keys are no tokens; the call's own key decides then.
    private bool TryReadCaller(JoinBody body, ref Caller caller, out ErrorAnswer? refusal)
    {
        refusal = null;
        if (body.AccessToken is not { Length: > 0 } token || token.StartsWith("sb_", StringComparison.Ordinal))
        {
            return true;
        }

        var error = verifier.Verify(token, out var own);
        if (error != TokenError.None)
        {
            refusal = ErrorAnswer.For(error);
            return false;
        }

        caller = own!;
        return true;
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
