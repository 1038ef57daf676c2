using Microsoft.AspNetCore.Http.Features;

namespace Serverless.EmbeddedSignalR.DataPlane;

/// <summary>What a call names, read from the path as it was sent.</summary>
/// <remarks>
/// The server decodes the path but leaves <c>%2F</c>, so that a name with a slash and one with the text <c>%2F</c> look the same in route
/// values. The raw target tells them apart.
/// </remarks>
internal sealed class DataPlaneCall
{
    private readonly string[] _segments;

    private DataPlaneCall(HttpContext context)
    {
        Http = context;
        RawPath = Raw(context).Split('?', 2)[0];
        _segments = RawPath.Trim('/').Split('/');
    }

    public HttpContext Http { get; }

    /// <summary>The path as sent, escapes and all.</summary>
    public string RawPath { get; }

    // api / hubs / {hub} / groups | users | connections / {name} / groups | connections / {name}
    public string Hub => Segment(2);

    public string? Group => Named("groups");

    public string? User => Named("users");

    public string? ConnectionId => Named("connections");

    public string Reason => Http.Request.Query["reason"].FirstOrDefault() ?? "The connection is closed by the app.";

    public IReadOnlySet<string> Excluded => Http.Request.Query["excluded"].OfType<string>().ToHashSet(StringComparer.Ordinal);

    public static ValueTask<DataPlaneCall?> BindAsync(HttpContext context) => ValueTask.FromResult<DataPlaneCall?>(new DataPlaneCall(context));

    private static string Raw(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        return target.StartsWith('/') ? target : context.Request.Path.ToUriComponent();
    }

    private string? Named(string kind)
    {
        for (var at = 3; at + 1 < _segments.Length; at += 2)
        {
            if (_segments[at] == kind)
            {
                return Segment(at + 1);
            }
        }

        return null;
    }

    private string Segment(int at) => Uri.UnescapeDataString(_segments[at]);
}
