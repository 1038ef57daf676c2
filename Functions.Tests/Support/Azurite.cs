using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Serverless.Support;

/// <summary>Microsoft's storage emulator on a free loopback port, its blob service alone, nothing kept.</summary>
internal sealed partial class Azurite : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(1);

    private readonly Process _process;

    private Azurite(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    public static async Task<Azurite> StartAsync()
    {
        var main = Path.Combine(Checkout.Root, "dev.d", "azurite", "node_modules", "azurite", "dist", "src", "blob", "main.js");
        File.Exists(main).Should().BeTrue("azurite is installed by './dev test', or by 'npm ci' in dev.d/azurite");
        var process = Process.Start(new ProcessStartInfo(
            "node", [main, "--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", "0", "--disableTelemetry"])
        {
            RedirectStandardOutput = true,
        })!;
        try
        {
            return new Azurite(process, await PortOfAsync(process.StandardOutput).WaitAsync(_limit));
        }
        catch
        {
            Stop(process);
            throw;
        }
    }

    public void Dispose() => Stop(_process);

    private static async Task<int> PortOfAsync(StreamReader output)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
            {
                return int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException("Azurite ended before it listened.");
    }

    private static void Stop(Process process)
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }

    [GeneratedRegex("listens on http://127.0.0.1:([0-9]+)")]
    private static partial Regex Listening();
}
