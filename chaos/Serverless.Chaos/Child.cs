using System.Diagnostics;

namespace Serverless.Chaos;

/// <summary>A process that this program has started, the only kind that it ends. What it says goes to a file.</summary>
internal sealed class Child : IDisposable
{
    private readonly Process _process;
    private readonly StreamWriter _log;

    public Child(string program, IEnumerable<string> arguments, string logFile)
    {
        _log = new StreamWriter(logFile, append: true) { AutoFlush = true };
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true },
        };
        _process.OutputDataReceived += (_, said) => Log(said.Data);
        _process.ErrorDataReceived += (_, said) => Log(said.Data);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Ends it as a crash would.</summary>
    public Task KillAsync() => EndAsync("KILL");

    /// <summary>Sends a signal and waits for the end, which is forced after 30 seconds.</summary>
    public async Task EndAsync(string signal)
    {
        if (_process.HasExited)
        {
            return;
        }

        using (var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]))
        {
            await kill.WaitForExitAsync();
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
        lock (_log)
        {
            _log.Dispose();
        }
    }

    private void Log(string? line)
    {
        lock (_log)
        {
            if (line is not null && _log.BaseStream is not null)
            {
                _log.WriteLine(line);
            }
        }
    }
}
