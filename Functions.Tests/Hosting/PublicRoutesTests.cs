using Microsoft.AspNetCore.Builder;
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

    [Fact]
    public async Task Under_the_host_the_app_answers_the_protocols_table_and_the_triggers_and_nothing_else()
    {
        await using var app = Build("--AzureSignalRConnectionString=Endpoint=http://localhost;AccessKey=0123456789abcdef0123456789abcdef;Version=1.0;");

        PublicRoutes.Of(app).Should().BeEquivalentTo(
            [.. ProtocolRoutes.Read().Select(entry => (entry.Method, entry.Route)), .. _triggers.Select(name => ("POST", "/" + name))]);
    }

    [Fact]
    public async Task Embedded_signalr_and_the_demo_add_no_route_that_reaches_a_trigger()
    {
        await using var app = Build($"--Realtime:Demo={Checkout.Root}", "--EmbeddedSignalR:Port=7072");
        var routes = PublicRoutes.Of(app).Where(entry => !_triggers.Contains(entry.Route[1..])).ToList();

        routes.Should().HaveCountGreaterThan(ProtocolRoutes.Read().Count);
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

    // Never started: its routes are known once it is built.
    private static WebApplication Build(params string[] settings) => RealtimeApp.Build(
    [
        $"--{FunctionsHost.PortVariable}=7073",
        "--Realtime:Postgres=Host=127.0.0.1;Port=1;Username=nobody",
        $"--Realtime:JwtSecret={Tokens.Secret}",
        .. settings,
    ]);
}
