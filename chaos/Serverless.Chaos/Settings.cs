using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Serverless.Chaos;

/// <summary>What the command line and <c>./dev chaos</c> say.</summary>
internal sealed record Settings(double Minutes, int Seed)
{
    public const int Apps = 3;

    public const int Writers = 8;

    public const int Subscribers = 50;

    public string PostgresPrograms { get; } = Need("CHAOS_POSTGRES_PROGRAMS");

    public string PostgresData { get; } = Need("CHAOS_POSTGRES_DATA");

    public string PostgresPassword { get; } = Need("CHAOS_POSTGRES_PASSWORD");

    /// <summary>A folder for what the processes say.</summary>
    public string Logs { get; } = Need("CHAOS_LOGS");

    /// <summary>Without kinds of trouble that are named here, to find what causes a fault: <c>crash,restart</c>.</summary>
    public string[] Without { get; } = (Environment.GetEnvironmentVariable("CHAOS_WITHOUT") ?? "").Split(',');

    public int PostgresPort { get; } = FreePort();

    /// <summary>Null where the arguments make no sense.</summary>
    public static Settings? Parse(string[] args)
    {
        var (minutes, seed) = (2.0, 1);
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : "";
            var isGood = args[i] switch
            {
                "--minutes" => double.TryParse(value, CultureInfo.InvariantCulture, out minutes) && minutes is > 0 and <= 600,
                "--seed" => int.TryParse(value, CultureInfo.InvariantCulture, out seed),
                _ => false,
            };
            if (!isGood)
            {
                return null;
            }
        }

        return new Settings(minutes, seed);
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Need(string name) =>
        Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{name} is not set; run './dev chaos', which starts what is needed.");
}
