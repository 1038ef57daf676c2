using Serverless.Support;

namespace Serverless.Hosting;

/// <summary>The sample is what <c>func start</c> needs on a laptop; docs/functions-host.md tells how.</summary>
public sealed class LocalSettingsTests
{
    [Fact]
    public void The_host_runs_this_process_and_keeps_its_locks_in_azurite()
    {
        LocalSettings.Values["FUNCTIONS_WORKER_RUNTIME"].Should().Be("custom");
        LocalSettings.Values["AzureWebJobsStorage"].Should().Be("UseDevelopmentStorage=true");
        ((bool)LocalSettings.Content["IsEncrypted"]!).Should().BeFalse();
    }

    [Fact]
    public void Without_an_event_hub_its_triggers_are_disabled_and_the_bus_is_in_process()
    {
        var triggers = FunctionJson.All().Where(function => (string?)function.Trigger["type"] == "eventHubTrigger").Select(function => function.Name);
        LocalSettings.Values.Where(value => value.Key.EndsWith(".Disabled", StringComparison.Ordinal)).Select(value => (value.Key, value.Value))
            .Should().BeEquivalentTo(triggers.Select(name => ($"AzureWebJobs.{name}.Disabled", "true")));
        LocalSettings.Values["Realtime__Bus"].Should().Be("InProcess");
    }

    [Fact]
    public void Embedded_signalr_has_a_port_beside_the_hosts() =>
        LocalSettings.Values["EmbeddedSignalR__Port"].Should().NotBe(LocalSettings.Content["Host"]!["LocalHttpPort"]!.ToString());

    [Fact]
    public void It_holds_no_secret_that_would_work() =>
        new[] { LocalSettings.Values["Realtime__JwtSecret"], LocalSettings.Values["Realtime__Postgres"] }.Should().OnlyContain(value => value.Contains('<'));

    [Fact]
    public void Every_setting_of_ours_is_documented()
    {
        var settings = Checkout.Read("docs", "settings.md");
        LocalSettings.Values.Keys.Where(key => key.Contains("__", StringComparison.Ordinal)).Should().OnlyContain(key => settings.Contains($"`{key}`"));
    }
}
