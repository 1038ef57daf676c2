using Microsoft.AspNetCore.Http.Features;

namespace Serverless.Calls;

/// <summary>A request's path as it was sent.</summary>
/// <remarks>Routing decodes everything in a path but <c>%2F</c>, so that of <c>a%2Fb</c> and <c>a%252Fb</c> it makes the same; topics and events may hold either.</remarks>
internal static class RawPath
{
    /// <summary>One segment, decoded.</summary>
    /// <param name="fromEnd">0 for the last one.</param>
    public static string Segment(HttpRequest request, int fromEnd)
    {
        var target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var path = target.AsSpan(0, target.IndexOf('?') is var query and >= 0 ? query : target.Length).TrimEnd('/');
        for (; fromEnd > 0 && path.LastIndexOf('/') is var slash and >= 0; fromEnd--)
        {
            path = path[..slash];
        }

        return Uri.UnescapeDataString(path[(path.LastIndexOf('/') + 1)..]);
    }
}
