using Serverless.Calls;

namespace Serverless.Channels;

/// <summary>Scheme and authority under which the caller's browser reaches this process, for SignalR inside it.</summary>
internal static class PublicOrigin
{
    /// <param name="setting">What to answer in any case; null where the request decides.</param>
    /// <exception cref="RefusedCallException">The request names no host that an address can be made of.</exception>
    public static Uri Of(HttpRequest request, string? setting)
    {
        if (setting is not null)
        {
            return new Uri(setting);
        }

        var host = HostOf(request);
        return Uri.TryCreate($"{request.Scheme}://{host}", UriKind.Absolute, out var origin) && IsPlain(origin)
            ? origin
            : throw new RefusedCallException(ErrorAnswer.BadRequest(
                "InvalidHost",
                "The request's Host header is missing or is no host and port, and the address for SignalR is made of it. Send the host as the browser has it, or set Realtime__PublicUrl to the address under which browsers reach this service."));
    }

    /// <summary>Whether a setting can be answered; one that is not set can.</summary>
    public static bool IsAddress(string? setting) => setting is null
        || (Uri.TryCreate(setting, UriKind.Absolute, out var origin)
            && (origin.Scheme == Uri.UriSchemeHttp || origin.Scheme == Uri.UriSchemeHttps)
            && origin.HostNameType is UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6);

    private static string? HostOf(HttpRequest request)
    {
        try
        {
            return request.Host.ToUriComponent();
        }
        catch (ArgumentException)
        {
            // A host that claims to be punycode and is not.
            return null;
        }
    }

    private static bool IsPlain(Uri origin) =>
        origin.HostNameType is UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6 && origin.PathAndQuery == "/" && origin.UserInfo.Length == 0;
}
