using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;

namespace Serverless.Hosting;

/// <summary>The Azure Functions host that started this process as its custom handler, if one did.</summary>
/// <param name="Port">The port on 127.0.0.1 where the host expects us; null without a host.</param>
internal sealed record FunctionsHost(int? Port)
{
    /// <summary>Set by the host for the process it starts (Azure Functions, custom handlers).</summary>
    public const string PortVariable = "FUNCTIONS_CUSTOMHANDLER_PORT";

    [MemberNotNullWhen(true, nameof(Port))]
    public bool IsPresent => Port is not null;

    /// <exception cref="OptionsValidationException">The variable is set and is no port.</exception>
    public static FunctionsHost From(IConfiguration configuration)
    {
        var text = configuration[PortVariable];
        if (string.IsNullOrEmpty(text))
        {
            return new FunctionsHost(Port: null);
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= IPEndPoint.MaxPort
            ? new FunctionsHost(port)
            : throw new OptionsValidationException(
                PortVariable,
                typeof(FunctionsHost),
                [$"{PortVariable} is '{text}', expected a port from 1 to {IPEndPoint.MaxPort}. The Functions host sets it; unset it to run without the host."]);
    }

    /// <summary>Whether a request came in where only the host, on this machine, can send one.</summary>
    /// <remarks>The process may listen elsewhere as well (embedded SignalR has a port of its own), and serves the same routes there.</remarks>
    public bool IsCaller(ConnectionInfo connection) =>
        IsPresent && connection.LocalPort == Port && connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address);
}
