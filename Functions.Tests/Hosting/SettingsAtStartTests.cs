using System.Diagnostics;
using Serverless.EmbeddedSignalR;
using Serverless.Support;

namespace Serverless.Hosting;

/// <summary>What docs/settings.md promises: a wrong value stops the start with a sentence that names the setting. Said by the process itself.</summary>
public sealed class SettingsAtStartTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("Realtime__Postgres", "Hostt=x;Password=hunter2", "Realtime:Postgres", "Host=127.0.0.1")]
    [InlineData("Realtime__Postgres", "postgres://me:hunter2@db:port/app", "Realtime:Postgres", "postgres://")]
    [InlineData("Realtime__Postgres", "", "Realtime:Postgres", "not set")]
    [InlineData("Realtime__JwtSecret", "hunter2", "Realtime:JwtSecret", "32 characters")]
    [InlineData("Realtime__Bus", "Kafka", "Realtime:Bus is 'Kafka'", "InProcess, EventHubs")]
    [InlineData("Realtime__Bus", "7", "Realtime:Bus", "InProcess or EventHubs")]
    [InlineData("Realtime__Partitions", "abc", "Realtime:Partitions is 'abc'", "a whole number")]
    [InlineData("Realtime__Partitions", "33", "Realtime:Partitions", "between 1 and 32")]
    [InlineData("Realtime__Migrate", "perhaps", "Realtime:Migrate is 'perhaps'", "true or false")]
    [InlineData("Realtime__PublicUrl", "http://a:99999", "Realtime:PublicUrl", "https://app.example.com")]
    [InlineData("Realtime__Demo", "/nowhere", "Realtime:Demo", "/nowhere")]
    [InlineData("Capture__ReopenAfter", "soon", "Capture:ReopenAfter is 'soon'", "hh:mm:ss")]
    [InlineData("Streams__KeepAlive", "00:00:00", "Streams:KeepAlive", "two minutes")]
    [InlineData("Capture__UnverifiableDeletes", "Always", "Capture:UnverifiableDeletes is 'Always'", "Withhold, SendKey")]
    [InlineData("FUNCTIONS_CUSTOMHANDLER_PORT", "http", "FUNCTIONS_CUSTOMHANDLER_PORT is 'http'", "65535")]
    [InlineData("AzureSignalRConnectionString", "Endpoint=http://x;AccessKeyy=hunter2", "AzureSignalRConnectionString", "AccessKey=")]
    [InlineData("ASPNETCORE_URLS", "8080", "ASPNETCORE_URLS", "'8080'")]
    public async Task A_wrong_value_stops_the_start_with_one_line_that_names_the_setting(string name, string value, string setting, string said)
    {
        var (exitCode, output, error) = await StartAsync([], (name, value));

        exitCode.Should().Be(1, "{0}{1}", output, error);
        output.Should().BeEmpty();
        error.TrimEnd('\n').Should().StartWith("Cannot start: ").And.Contain(setting).And.Contain(said).And.NotContain("\n").And.NotContain("hunter2");
    }

    [Fact]
    public async Task Several_wrong_values_are_all_said()
    {
        var (exitCode, _, error) = await StartAsync([], ("Realtime__Partitions", "33"), ("Realtime__JwtSecret", "short"), ("Capture__Slot", "A-B"));

        exitCode.Should().Be(1);
        error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().HaveCount(3).And.OnlyContain(line => line.StartsWith("Cannot start: ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("EmbeddedSignalR__AccessKey", "short", "EmbeddedSignalR:AccessKey")]
    [InlineData("EmbeddedSignalR__UpstreamTimeout", "soon", "EmbeddedSignalR:UpstreamTimeout")]
    [InlineData("ASPNETCORE_URLS", "8888", "ASPNETCORE_URLS")]
    public async Task Embedded_signalr_alone_says_what_is_wrong(string name, string value, string setting)
    {
        var (exitCode, _, error) = await StartAsync(["signalr"], ("EmbeddedSignalR__AccessKey", SignalRProcess.AccessKey), (name, value));

        exitCode.Should().Be(1);
        error.TrimEnd('\n').Should().StartWith("Cannot start: " + setting).And.NotContain("\n");
    }

    private static async Task<(int ExitCode, string Output, string Error)> StartAsync(string[] arguments, params (string Name, string Value)[] settings)
    {
        var start = AppProcess.Command(arguments);
        (string Name, string Value)[] good = [("ASPNETCORE_URLS", "http://127.0.0.1:0"), ("Realtime__Postgres", "Host=127.0.0.1;Port=1"), ("Realtime__JwtSecret", Tokens.Secret)];
        foreach (var (name, value) in good.Concat(settings))
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync().WaitAsync(_limit);
        }
        finally
        {
            // Started all the same, which the test then says.
            if (!process.HasExited)
            {
                process.Kill();
            }
        }

        return (process.ExitCode, await output, await error);
    }
}
