using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;

namespace Serverless.Support;

/// <summary>Routes that the world can reach, held against the paths on which only the Functions host may call.</summary>
internal static class PublicRoutes
{
    /// <summary>Every route of a built app, one entry a method; <c>*</c> where it does not name one.</summary>
    public static IReadOnlyList<(string Method, string Route)> Of(WebApplication app) =>
        [.. ((IEndpointRouteBuilder)app).DataSources
            .SelectMany(source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["*"])
                .Select(method => (method, "/" + endpoint.RoutePattern.RawText!.TrimStart('/'))))];

    /// <summary>The routes by which a stranger's <c>POST /trigger</c> could come through the host's proxy.</summary>
    public static IEnumerable<string> Dangerous(IReadOnlyList<(string Method, string Route)> routes, IReadOnlyList<string> triggers) =>
        routes.Select(entry => entry.Route).Distinct().Where(route =>
        {
            var template = TemplateParser.Parse(route.TrimStart('/'));
            var matcher = new TemplateMatcher(template, []);
            return template.Parameters.Any(parameter => parameter.IsCatchAll) ||
                triggers.Any(trigger => matcher.TryMatch("/" + trigger, []));
        });
}
