using System.Globalization;

namespace Serverless.Delivery.AzureSignalR;

/// <summary>An Azure SignalR connection string, taken apart.</summary>
/// <param name="ClientEndpoint">Scheme and authority (and path, if any) for browsers, without a trailing slash.</param>
/// <param name="ServerEndpoint">The same for our REST calls.</param>
internal sealed record SignalRConnection(string ClientEndpoint, string ServerEndpoint, string AccessKey)
{
    private static readonly string[] _known = ["Endpoint", "AccessKey", "Port", "Version", "ClientEndpoint", "ServerEndpoint", "AuthType"];

    /// <exception cref="FormatException">A part is missing, unknown or wrong. The message names the part and never the key.</exception>
    public static SignalRConnection Parse(string connectionString)
    {
        var parts = Split(connectionString);
        if (parts.GetValueOrDefault("AuthType") is { } authType)
        {
            throw Wrong($"has AuthType={authType}; an identity in place of a key is not supported yet. Use the service's connection string with an AccessKey");
        }

        if (parts.GetValueOrDefault("Version") is { } version && !version.StartsWith("1.", StringComparison.Ordinal))
        {
            throw Wrong($"has Version={version}; this build knows 1.x. Copy it anew from the service's Keys page");
        }

        var endpoint = Endpoint("Endpoint", Required(parts, "Endpoint"), Port(parts));
        return new SignalRConnection(
            parts.GetValueOrDefault("ClientEndpoint") is { } client ? Endpoint("ClientEndpoint", client, port: null) : endpoint,
            parts.GetValueOrDefault("ServerEndpoint") is { } server ? Endpoint("ServerEndpoint", server, port: null) : endpoint,
            Required(parts, "AccessKey"));
    }

    /// <summary>Hides the key from logs.</summary>
    public override string ToString() => $"SignalR service at {ServerEndpoint}";

    private static Dictionary<string, string> Split(string connectionString)
    {
        var parts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in connectionString.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            // An access key may hold '=', so only the first one separates.
            var at = part.IndexOf('=', StringComparison.Ordinal);
            var name = at < 0 ? string.Empty : part[..at].TrimEnd();
            if (!_known.Contains(name, StringComparer.OrdinalIgnoreCase) && !IsOfIdentity(name))
            {
                throw Wrong($"has part {parts.Count + 1}, which is none of {string.Join("=, ", _known)}=. Copy it anew from the service's Keys page");
            }

            if (!parts.TryAdd(name, part[(at + 1)..].Trim()))
            {
                throw Wrong($"has {name} twice. Leave one");
            }
        }

        return parts;
    }

    private static bool IsOfIdentity(string name) => name.ToUpperInvariant() is "CLIENTID" or "TENANTID" or "CLIENTSECRET" or "CLIENTCERTPATH";

    private static string Required(Dictionary<string, string> parts, string name) =>
        parts.GetValueOrDefault(name) is { Length: > 0 } value
            ? value
            : throw Wrong($"has no {name}. Copy it anew from the service's Keys page: Endpoint=https://<name>.service.signalr.net;AccessKey=<key>;Version=1.0;");

    private static int? Port(Dictionary<string, string> parts)
    {
        if (parts.GetValueOrDefault("Port") is not { } text)
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535
            ? port
            : throw Wrong("has a Port that is no number from 1 to 65535");
    }

    private static string Endpoint(string name, string value, int? port)
    {
        if (!Uri.TryCreate(value, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp)
            || uri.Query.Length > 0 || uri.Fragment.Length > 0 || uri.UserInfo.Length > 0)
        {
            throw Wrong($"has {name}, which is no http or https address such as https://<name>.service.signalr.net");
        }

        return port is { } other
            ? new UriBuilder(uri) { Port = other }.Uri.AbsoluteUri.TrimEnd('/')
            : uri.AbsoluteUri.TrimEnd('/');
    }

    private static FormatException Wrong(string what) => new($"The setting {DeliveryServices.ConnectionStringSetting} {what}.");
}
