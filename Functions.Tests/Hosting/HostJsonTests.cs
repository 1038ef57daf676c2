using System.Text.Json.Nodes;
using Serverless.Support;

namespace Serverless.Hosting;

public sealed class HostJsonTests
{
    private static readonly JsonNode _host = JsonNode.Parse(Checkout.Read("host.json"))!;

    [Fact]
    public void The_host_starts_this_assemblys_executable_and_proxies_to_it()
    {
        ((string?)_host["version"]).Should().Be("2.0");
        ((string?)_host["customHandler"]!["description"]!["defaultExecutablePath"]).Should().Be(typeof(FunctionsPort).Assembly.GetName().Name);
        ((bool)_host["customHandler"]!["enableProxyingHttpRequest"]!).Should().BeTrue();
        _host["customHandler"]!.AsObject().Should().NotContainKey("http", "routes declared there exclude function.json files");
    }

    [Fact]
    public void Routes_have_no_prefix() => ((string?)_host["extensions"]!["http"]!["routePrefix"]).Should().BeEmpty();

    [Fact]
    public void A_full_batch_of_events_always_fits_into_a_body()
    {
        const long EventHubsLimit = 1024 * 1024;
        const int EscapedTwice = 4;
        var events = (long)_host["extensions"]!["eventHubs"]!["maxEventBatchSize"]!;
        (events * EventHubsLimit * EscapedTwice).Should().BeLessThan(TriggerEndpoint.MaxBodyBytes);
    }
}
