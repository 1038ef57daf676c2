using System.ComponentModel.DataAnnotations;

namespace Serverless.Channels;

/// <summary>How clients come in.</summary>
internal sealed class ChannelOptions
{
    public const string Section = "Realtime";

    /// <summary>Scheme and authority under which browsers reach the app, for embedded SignalR. Default: what each request says.</summary>
    /// <remarks>Set it behind a proxy that ends TLS.</remarks>
    public string? PublicUrl { get; set; }

    /// <summary>Joins that may work on the database at the same time; others wait. Default: 12.</summary>
    [Range(1, 500, ErrorMessage = "Realtime:JoinsAtOnce must lie between 1 and 500, and below Realtime:MaxConnections.")]
    public int JoinsAtOnce { get; set; } = 12;
}
