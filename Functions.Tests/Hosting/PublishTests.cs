using Serverless.Support;

namespace Serverless.Hosting;

/// <summary>What <c>dotnet publish Functions</c> writes is a function app root.</summary>
public sealed class PublishTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _app = new();

    // The build that these tests belong to is published as it is: building again would replace files under tests that run.
    public Task InitializeAsync() => Tool.RunAsync(
        "dotnet", "publish", Checkout.FunctionsFolder, "-c", Checkout.Configuration, "--no-build", "-o", _app.Path, "-nodeReuse:false");

    [Fact]
    public void The_published_folder_is_a_complete_function_app_root()
    {
        File.ReadAllText(Path.Combine(_app.Path, "host.json")).Should().Be(Checkout.Read("host.json"));
        FunctionJson.Under(_app.Path).Select(function => $"{function.Name} {function.Content.ToJsonString()}")
            .Should().Equal(FunctionJson.All().Select(function => $"{function.Name} {function.Content.ToJsonString()}"));
        Directory.GetFiles(_app.Path, "function.json", SearchOption.AllDirectories)
            .Should().OnlyContain(file => Path.GetDirectoryName(Path.GetDirectoryName(file)) == _app.Path, "the host looks nowhere else");

        var executable = Path.Combine(_app.Path, "Serverless.Functions");
        File.Exists(executable).Should().BeTrue();
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(executable).Should().HaveFlag(UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void Nobodys_settings_are_published() =>
        Directory.GetFiles(_app.Path, "*settings*.json", SearchOption.AllDirectories).Should().BeEmpty();

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _app.Dispose();
}
