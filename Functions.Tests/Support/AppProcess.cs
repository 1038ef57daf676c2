using System.Diagnostics;
using System.Text;

namespace Serverless.Support;

/// <summary>The app as a process of its own, as it was built beside these tests. It is ended as a crash would end it.</summary>
internal sealed class AppProcess : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _said = new();

    private AppProcess(Process process, Uri url)
    {
        _process = process;
        Url = url;
        foreach (var end in new[] { _process.StandardOutput, _process.StandardError })
        {
            _ = CollectAsync(end);
        }
    }

    public Uri Url { get; }

    /// <summary>How the app is started, with standard output and error to be read.</summary>
    public static ProcessStartInfo Command(params string[] arguments) =>
        new("dotnet", [Path.Combine(Checkout.FunctionsFolder, "bin", Checkout.Configuration, "net10.0", "Serverless.Functions.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

    /// <summary>Starts it and waits until it can serve.</summary>
    /// <param name="url">Where the settings make it listen.</param>
    public static async Task<AppProcess> StartAsync(TestDatabase database, Uri url, params string[] settings)
    {
        var process = Process.Start(Command([$"--Realtime:Postgres={database.ConnectionString}", $"--Realtime:JwtSecret={Tokens.Secret}", .. settings]))!;
        var app = new AppProcess(process, url);
        try
        {
            await app.WaitUntilReadyAsync();
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task WaitUntilReadyAsync()
    {
        using var limit = new CancellationTokenSource(_limit);
        using var http = new HttpClient { BaseAddress = Url };
        while (!await IsReadyAsync(http, limit.Token))
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"The app ended with status {_process.ExitCode} before it could serve. It said: {_said}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, limit.Token);
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync("/readyz", cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    // A pipe that nobody reads fills up, and the process stops at its next line.
    private async Task CollectAsync(StreamReader end)
    {
        while (await end.ReadLineAsync() is { } line)
        {
            lock (_said)
            {
                _said.AppendLine(line);
            }
        }
    }
}
