using Serverless.Support;

namespace Serverless.Hosting;

/// <summary>
/// The Functions host proxies a public HTTP function's request to this process under its own path. Were a public route to match a trigger's
/// path, a stranger could post changes.
/// </summary>
public sealed class PublicRoutesTests
{
    private static readonly string[] _triggers = [.. FunctionJson.All().Where(function => !function.IsHttp).Select(function => function.Name)];

    [Fact]
    public void No_http_function_has_a_route_that_reaches_a_trigger()
    {
        var routes = FunctionJson.All().Where(function => function.IsHttp).Select(function => ("POST", function.Route)).ToList();
        routes.Should().NotBeEmpty();
        PublicRoutes.Dangerous(routes, _triggers).Should().BeEmpty();
    }

    [Theory]
    [InlineData("/{name}")]
    [InlineData("/{**path}")]
    [InlineData("/rest/v1/{**path}")]
    [InlineData("/{name=changes}")]
    [InlineData("/changes")]
    [InlineData("/Changes")]
    [InlineData("/{a}/{b?}")]
    public void A_route_that_would_reach_one_is_found(string route) =>
        PublicRoutes.Dangerous([("POST", route)], ["changes"]).Should().Equal(route);

    [Theory]
    [InlineData("/realtime/v1/presence/{topic}")]
    [InlineData("/changes/{id}")]
    [InlineData("/")]
    public void A_route_that_cannot_is_left_alone(string route) =>
        PublicRoutes.Dangerous([("POST", route)], ["changes"]).Should().BeEmpty();
}
