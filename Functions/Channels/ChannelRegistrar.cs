using System.Data;
using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Calls;
using Serverless.Subscriptions;
using Serverless.Subscriptions.Registry;
using Serverless.Topics;

namespace Serverless.Channels;

/// <summary>Registers one channel: asks whether its topic may be heard, resolves its subscriptions, and writes both down.</summary>
internal sealed partial class ChannelRegistrar(
    SubscriptionResolver resolver, TopicAuthorization authorization, IOptions<TopicOptions> options, ILogger<ChannelRegistrar> logger)
{
    public async Task<JoinedChannel> RegisterAsync(NpgsqlConnection connection, Guid session, ChannelJoin join, CancellationToken cancellationToken)
    {
        try
        {
            var claims = ClaimSet.Of(join.Caller);
            var rights = await RightsOfAsync(join, claims, cancellationToken);
            if (!rights.Any)
            {
                return JoinedChannel.Ended(ChannelAnswer.Refused(join.Topic, PrivateTopic.MayNotHear));
            }

            var resolved = new List<ResolvedSubscription>(join.Requests.Count);
            foreach (var request in join.Requests)
            {
                resolved.Add(await resolver.ResolveAsync(connection, request, join.Caller.Role, claims, cancellationToken));
            }

            var topic = new JoinedTopic(
                join.Topic, join.IsPrivate, join.Caller.Role, claims.HexKey, claims.Text, join.Caller.ExpiresAt, join.PresenceKey, join.WantsPresence)
            {
                Groups = [.. GroupsOf(join, rights)],
            };
            var groups = await JoinAsync(connection, session, join.Caller.Subject, topic, cancellationToken);
            var registration = new ChannelRegistration(session, join.Caller.Subject, join.Topic, join.Caller.Role, claims, join.Caller.ExpiresAt, resolved);
            var registered = await SubscriptionRegistry.RegisterAsync(connection, registration, cancellationToken);
            return new JoinedChannel(ChannelAnswer.Joined(join, resolved, registered), [.. registered.Select(subscription => subscription.Id)], topic, groups) { Join = join };
        }
        catch (SubscriptionException ex)
        {
            return JoinedChannel.Ended(ChannelAnswer.Refused(join.Topic, ErrorAnswer.For(ex)));
        }
        catch (PostgresException ex) when (ex.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            // What was sent is at fault, so the same call would fail again.
            return JoinedChannel.Ended(ChannelAnswer.Refused(join.Topic, ErrorAnswer.BadRequest(
                "InvalidValue", $"PostgreSQL cannot take a value of this channel or of its token's claims (SQLSTATE {ex.SqlState}). Look for characters that it does not hold, such as U+0000.")));
        }
        catch (PostgresException ex) when (!ex.IsTransient)
        {
            Log.ChannelFailed(logger, ex);
            return JoinedChannel.Ended(ChannelAnswer.Refused(join.Topic, FailureAnswers.DatabaseUnavailable));
        }
        catch (Exception ex) when (ex is not (NpgsqlException or OperationCanceledException) && connection.FullState == ConnectionState.Open)
        {
            // Where the connection is lost, no other channel of the call can be registered either, and the call fails as a whole.
            Log.ChannelBroken(logger, ex);
            return JoinedChannel.Ended(ChannelAnswer.Refused(join.Topic, FailureAnswers.InternalError));
        }
    }

    private async Task<TopicRights> RightsOfAsync(ChannelJoin join, ClaimSet claims, CancellationToken cancellationToken)
    {
        if (!join.IsPrivate)
        {
            return TopicRights.All;
        }

        var question = new TopicQuestion(join.Caller.Role, claims.HexKey, claims.Text, join.Topic);
        authorization.Forget(question);
        return await authorization.ToHearAsync(question, cancellationToken);
    }

    private static IEnumerable<string> GroupsOf(ChannelJoin join, TopicRights rights)
    {
        if (rights.Broadcast)
        {
            yield return TopicGroups.Broadcast(join.Topic, join.IsPrivate);
        }

        if (rights.Presence && join.WantsPresence)
        {
            yield return TopicGroups.Presence(join.Topic, join.IsPrivate);
        }
    }

    private async Task<IReadOnlyList<string>> JoinAsync(
        NpgsqlConnection connection, Guid session, string? subject, JoinedTopic topic, CancellationToken cancellationToken)
    {
        var most = options.Value.MaxTopics;
        try
        {
            return await TopicRegistry.JoinAsync(connection, session, subject, topic, most, cancellationToken);
        }
        catch (PostgresException ex) when (ex.SqlState == TopicRegistry.TooManyTopics)
        {
            throw SubscriptionException.Invalid("TooManyTopics", $"The session has joined {most} topics, which is the most (Channels:MaxTopics). Leave some, or put several subscriptions on one topic.");
        }
        catch (PostgresException ex) when (ex.SqlState == TopicRegistry.SessionMismatch)
        {
            throw SubscriptionRegistry.OfAnother();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5003, LogLevel.Warning, "One channel of a call could not be registered in the database; its client was told to try again.")]
        public static partial void ChannelFailed(ILogger logger, Exception exception);

        [LoggerMessage(5004, LogLevel.Error, "One channel of a call failed in a way that was not foreseen; its client was answered InternalError, and the call's other channels went on.")]
        public static partial void ChannelBroken(ILogger logger, Exception exception);
    }
}
