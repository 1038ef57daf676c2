using Microsoft.AspNetCore.Mvc;
using Serverless.Auth;
using Serverless.Calls;
using Serverless.Subscriptions;

namespace Serverless.Channels;

/// <summary>The routes under <c>/realtime/v1/channels</c>: docs/protocol.md describes them.</summary>
internal static class ChannelsEndpoints
{
    private const int MaxChannels = 100;

    public static void MapChannels(this WebApplication app)
    {
        var routes = app.MapGroup("/realtime/v1")
            .AddEndpointFilter<FailureAnswers>()
            .WithMetadata(new RequestSizeLimitAttribute(ClientCall.MaxReadBytes));
        routes.MapPost("/negotiate", NegotiateEndpoint.HandleAsync);
        routes.MapPost("/channels/join", JoinAsync);
        routes.MapPost("/channels/leave", LeaveAsync);
        routes.MapPost("/channels/access-token", ChangeTokenAsync);
        routes.MapPost("/explain", ExplainEndpoint.HandleAsync);
        routes.MapPost("/signalr/events", SignalREventsEndpoint.HandleAsync);
    }

    private static async Task<IResult> JoinAsync(
        HttpRequest request, ClientCall call, JoinReader reader, ChannelJoiner joiner, CancellationToken cancellationToken)
    {
        var caller = await call.RequireCallerAsync(request, cancellationToken);
        var session = call.RequireSession(request);
        var body = await ClientCall.ReadBodyAsync(request, ChannelsJson.Default.JoinBody, cancellationToken);
        if (body.Channels is null)
        {
            var (join, refusal) = await reader.ReadAsync(body, caller, cancellationToken);
            return join is null ? refusal!.ToResult() : Single((await joiner.JoinAsync(session, [join], cancellationToken))[0]);
        }

        RequireFew(body.Channels.Count, MaxChannels, "channels");
        var read = new List<(ChannelJoin? Join, ErrorAnswer? Refusal, string? Topic)>(body.Channels.Count);
        foreach (var channel in body.Channels)
        {
            var (join, refusal) = await reader.ReadAsync(channel, caller, cancellationToken);
            read.Add((join, refusal, channel?.Topic));
        }

        var joins = read.Where(channel => channel.Join is not null).Select(channel => channel.Join!).ToList();
        var joined = new Queue<ChannelAnswer>(joins.Count > 0 ? await joiner.JoinAsync(session, joins, cancellationToken) : []);
        return Several([.. read.Select(channel => channel.Join is null
            ? ChannelAnswer.Refused(Shorten(channel.Topic), channel.Refusal!)
            : joined.Dequeue())]);
    }

    private static async Task<IResult> LeaveAsync(HttpRequest request, ClientCall call, ChannelJoiner joiner, CancellationToken cancellationToken)
    {
        await call.RequireCallerAsync(request, cancellationToken);
        var session = call.RequireSession(request);
        var body = await ClientCall.ReadBodyAsync(request, ChannelsJson.Default.LeaveBody, cancellationToken);
        var topics = (body.Channels ?? [body]).Select(channel => channel?.Topic).ToList();
        RequireFew(topics.Count, MaxChannels, "channels");
        if (topics.Select(TopicName.Check).FirstOrDefault(refusal => refusal is not null) is { } refusal)
        {
            return refusal.ToResult();
        }

        return Several(await joiner.LeaveAsync(session, topics!, cancellationToken));
    }

    private static async Task<IResult> ChangeTokenAsync(
        HttpRequest request, ClientCall call, JwtVerifier verifier, ChannelJoiner joiner, CancellationToken cancellationToken)
    {
        await call.RequireCallerAsync(request, cancellationToken);
        var session = call.RequireSession(request);
        var body = await ClientCall.ReadBodyAsync(request, ChannelsJson.Default.AccessTokenBody, cancellationToken);
        var verdict = body.AccessToken is null ? TokenVerdict.Refused(TokenError.Missing) : await verifier.VerifyAsync(body.AccessToken, cancellationToken);
        if (verdict.Caller is not { } caller)
        {
            return ErrorAnswer.For(verdict.Error).ToResult();
        }

        RequireFew(body.Topics?.Count ?? 0, MaxChannels, "topics");
        if (body.Topics?.Select(TopicName.Check).FirstOrDefault(refusal => refusal is not null) is { } refusal)
        {
            return refusal.ToResult();
        }

        return Several(await joiner.RejoinAsync(session, body.Topics, caller, cancellationToken));
    }

    private static void RequireFew(int count, int most, string member)
    {
        if (count > most)
        {
            throw new RefusedCallException(ErrorAnswer.BadRequest("TooManyChannels", $"'{member}' has {count} elements; at most {most} are accepted in one call."));
        }
    }

    private static string Shorten(string? topic) => topic is null ? "" : topic.Length <= TopicName.MaxLength ? topic : topic[..TopicName.MaxLength];

    private static IResult Single(ChannelAnswer answer) => answer.Code is null
        ? AnswerJson.Of(answer, ChannelsJson.Default.ChannelAnswer)
        : new ErrorAnswer(answer.StatusCode!.Value, answer.Code, answer.Message!).ToResult();

    private static IResult Several(IReadOnlyList<ChannelAnswer> answers) => AnswerJson.Of(new ChannelAnswers(answers), ChannelsJson.Default.ChannelAnswers);
}
