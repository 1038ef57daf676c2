using Microsoft.Extensions.Options;
using Serverless.Calls;

namespace Serverless.Presence;

/// <summary><c>presence/track</c> and <c>presence/untrack</c>.</summary>
internal static class TrackEndpoints
{
    public static async Task<IResult> TrackAsync(
        HttpRequest request, PresenceCall call, PresenceChanges changes, IOptions<PresenceOptions> options, CancellationToken cancellationToken)
    {
        var (session, body, channels) = await ReadAsync(request, call, cancellationToken);
        var refusals = new ErrorAnswer?[channels.Count];
        var wanted = new List<(string Topic, string Meta)>();
        for (var i = 0; i < channels.Count; i++)
        {
            var meta = "";
            refusals[i] = TopicName.Check(channels[i]?.Topic) ?? PresencePayload.Read(channels[i]!.Payload, options.Value.MetaBytes, out meta);
            if (refusals[i] is null)
            {
                wanted.Add((channels[i]!.Topic!, meta));
            }
        }

        var made = new Queue<ErrorAnswer?>(wanted.Count > 0 ? await changes.TrackAsync(session, wanted, cancellationToken) : []);
        return Answer(body, channels, [.. refusals.Select(refusal => refusal ?? made.Dequeue())], options.Value.IntervalSeconds);
    }

    public static async Task<IResult> UntrackAsync(HttpRequest request, PresenceCall call, PresenceChanges changes, CancellationToken cancellationToken)
    {
        var (session, body, channels) = await ReadAsync(request, call, cancellationToken);
        var refusals = channels.Select(channel => TopicName.Check(channel?.Topic)).ToList();
        var topics = channels.Zip(refusals).Where(channel => channel.Second is null).Select(channel => channel.First!.Topic!).Distinct(StringComparer.Ordinal).ToList();
        if (topics.Count > 0)
        {
            await changes.UntrackAsync(session, topics, cancellationToken);
        }

        return Answer(body, channels, refusals, interval: null);
    }

    private static async Task<(Guid Session, TrackBody Body, IReadOnlyList<TrackBody?> Channels)> ReadAsync(
        HttpRequest request, PresenceCall call, CancellationToken cancellationToken)
    {
        var (_, session) = await call.RequireAsync(request, cancellationToken);
        var body = await ClientCall.ReadBodyAsync(request, PresenceJson.Default.TrackBody, cancellationToken);
        var channels = body.Channels ?? [body];
        if (channels.Count > PresenceCall.MaxChannels)
        {
            throw new RefusedCallException(ErrorAnswer.BadRequest(
                "TooManyChannels", $"'channels' has {channels.Count} elements; at most {PresenceCall.MaxChannels} are accepted in one call."));
        }

        call.Take(session, "change", channels.Count);
        return (session, body, channels);
    }

    // A channel that comes without a list is answered by the call's own status where it is refused, as in join.
    private static IResult Answer(TrackBody body, IReadOnlyList<TrackBody?> channels, List<ErrorAnswer?> refusals, int? interval) => body.Channels is null && refusals[0] is { } refusal
        ? refusal.ToResult()
        : Results.Json(
            new TrackAnswers([.. channels.Zip(refusals, (channel, refused) => TrackAnswer.Of(channel?.Topic, refused))], interval), PresenceJson.Default.TrackAnswers);
}
