using System.ComponentModel.DataAnnotations;

namespace Serverless.EmbeddedSignalR;

/// <summary>Settings of the Azure SignalR look-alike.</summary>
internal sealed class EmbeddedSignalROptions
{
    public const string Section = "EmbeddedSignalR";

    /// <summary>
    /// The loopback port on which browsers reach the service inside the app's process, where they cannot reach the app's own port (under the
    /// Functions host). Default: 0, the app's own port.
    /// </summary>
    [Range(0, 65535, ErrorMessage = "EmbeddedSignalR:Port must be a port, or 0 for the app's own.")]
    public int Port { get; set; }

    /// <summary>
    /// Signs clients' tokens and REST calls. Only the service as a process of its own has one, of at least 32 characters; inside the app it
    /// is random.
    /// </summary>
    public string? AccessKey { get; set; }

    /// <summary>
    /// Where the service as a process of its own posts connections and disconnections; <c>{hub}</c>, <c>{category}</c> and <c>{event}</c> are
    /// filled in. Default: none, nobody is told.
    /// </summary>
    public string? Upstream { get; set; }

    /// <summary>How long an upstream may take to answer an event. Default: 5 seconds.</summary>
    public TimeSpan UpstreamTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes that may wait for one client; a client that lets more come together is disconnected, as Azure SignalR does. Default: 1 MB.</summary>
    [Range(65536, 1 << 30, ErrorMessage = "EmbeddedSignalR:PendingBytes must be between 65536 and 1073741824.")]
    public int PendingBytes { get; set; } = 1_048_576;

    /// <summary>
    /// The longest that a send waits for clients who have more than half of <see cref="PendingBytes"/> before them and go on reading; one who reads
    /// nothing for a quarter of it is not waited for. Default: 2 seconds.
    /// </summary>
    /// <remarks>
    /// Inside one process a sender is faster than any client, and a burst larger than the bound would disconnect everybody. A client who does not
    /// use this time is not waited for again until it has caught up, so one who has stopped reading holds others up once, and only when much is sent.
    /// </remarks>
    public TimeSpan WaitForClients { get; set; } = TimeSpan.FromSeconds(2);
}
