using System.Diagnostics;

namespace Serverless.Support;

/// <summary>A command-line tool, run to its end.</summary>
internal static class Tool
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(3);

    /// <summary>Its standard output. A status other than 0 fails the test, with all that the tool said.</summary>
    public static async Task<string> RunAsync(string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Checkout.Root,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync().WaitAsync(_limit);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        process.ExitCode.Should().Be(0, "'{0} {1}' said: {2}{3}", file, string.Join(' ', arguments), await output, await errors);
        return await output;
    }
}
