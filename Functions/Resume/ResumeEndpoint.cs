using Microsoft.AspNetCore.Mvc;
using Serverless.Calls;

namespace Serverless.Resume;

/// <summary>The route <c>channels/resume</c>: docs/protocol.md describes it.</summary>
internal static class ResumeEndpoint
{
    private const int MaxChannels = 100;

    public static void MapResume(this WebApplication app) => app.MapGroup("/realtime/v1")
        .AddEndpointFilter<FailureAnswers>()
        .WithMetadata(new RequestSizeLimitAttribute(ClientCall.MaxReadBytes))
        .MapPost("/channels/resume", HandleAsync);

    private static async Task<IResult> HandleAsync(HttpRequest request, ClientCall call, ChannelResumer resumer, CancellationToken cancellationToken)
    {
        await call.RequireCallerAsync(request, cancellationToken);
        var session = call.RequireSession(request);
        var body = await ClientCall.ReadBodyAsync(request, ResumeJson.Default.ResumeBody, cancellationToken);
        if (body.Channels is not { Count: > 0 and <= MaxChannels } channels)
        {
            throw new RefusedCallException(ErrorAnswer.BadRequest(
                "InvalidBody", $"'channels' has {body.Channels?.Count ?? 0} elements; between 1 and {MaxChannels} are accepted in one call."));
        }

        var answers = await resumer.ResumeAsync(session, [.. channels.Select(Read)], cancellationToken);
        return AnswerJson.Of(new ResumeAnswers(answers), ResumeJson.Default.ResumeAnswers);
    }

    private static ChannelToResume Read(ResumeChannelBody? body)
    {
        if (TopicName.Check(body?.Topic) is { } badTopic)
        {
            throw new RefusedCallException(badTopic);
        }

        var points = new List<ResumePoint>();
        foreach (var subscription in body!.Subscriptions ?? [])
        {
            var (point, refusal) = ResumePoint.Read(subscription);
            points.Add(point ?? throw new RefusedCallException(refusal!));
        }

        return new ChannelToResume(body.Topic!, points);
    }
}
