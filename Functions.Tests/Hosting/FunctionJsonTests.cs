using System.Text.Json.Nodes;
using Serverless.Support;

namespace Serverless.Hosting;

public sealed class FunctionJsonTests
{
    private static readonly IReadOnlyList<FunctionJson> _functions = FunctionJson.All();

    [Fact]
    public void The_http_functions_are_the_route_table_of_the_protocol()
    {
        var declared = _functions.Where(function => function.IsHttp).Select(function => (function.Methods.First(), function.Route, function.Name));
        declared.Should().BeEquivalentTo(ProtocolRoutes.Read());
    }

    [Fact]
    public void Every_http_function_is_proxied_and_answers_a_browsers_preflight()
    {
        foreach (var function in _functions.Where(function => function.IsHttp))
        {
            // The host proxies only functions with one httpTrigger in and one http out.
            function.Bindings.Select(binding => $"{binding["type"]} {binding["direction"]}")
                .Should().BeEquivalentTo(["httpTrigger in", "http out"], "'{0}' is proxied", function.Name);
            ((string?)function.Trigger["authLevel"]).Should().Be("anonymous", "'{0}' checks the caller itself", function.Name);
            function.Methods.Should().HaveCount(2).And.EndWith("OPTIONS", "'{0}' is called by browsers", function.Name);
            ((string)function.Trigger["route"]!).Should().MatchRegex("^[^/].*[^/]$", "'{0}' has a route without outer slashes", function.Name);
        }
    }

    [Fact]
    public void The_changes_trigger_leaves_events_unread_and_retries_without_end()
    {
        var changes = _functions.Single(function => function.Name == "changes");
        var expected = JsonNode.Parse("""
            {
              "type": "eventHubTrigger", "direction": "in", "name": "events", "eventHubName": "changes", "connection": "EventHubConnection",
              "consumerGroup": "$Default", "cardinality": "many", "dataType": "string"
            }
            """);
        JsonNode.DeepEquals(changes.Trigger, expected).Should().BeTrue("dataType string alone leaves the event as capture wrote it");
        ((string?)changes.Content["retry"]!["strategy"]).Should().Be("exponentialBackoff");
        ((int)changes.Content["retry"]!["maxRetryCount"]!).Should().Be(-1);
    }

    [Fact]
    public void Names_are_ones_that_the_host_accepts() =>
        _functions.Should().OnlyContain(function => System.Text.RegularExpressions.Regex.IsMatch(function.Name, "^[a-zA-Z][a-zA-Z0-9_-]{0,126}$"));
}
