using System.ComponentModel.DataAnnotations;

namespace Serverless.Calls;

/// <summary>How much callers may ask for. Rates are averages: so much may come at once as the rate allows in <see cref="Window"/>.</summary>
internal sealed class LimitOptions
{
    public const string Section = "Limits";

    private const string RateMessage = "Limits: a rate is a number from 1 to 1,000,000 a second.";

    /// <summary>Messages a second that a session may send to topics. Default: 100.</summary>
    [Range(1, 1_000_000, ErrorMessage = RateMessage)]
    public int EventsPerSecond { get; set; } = 100;

    /// <summary>Messages a second that a caller without a session, such as a server, may send from one process. Default: 2,500.</summary>
    [Range(1, 1_000_000, ErrorMessage = RateMessage)]
    public int ApiEventsPerSecond { get; set; } = 2_500;

    /// <summary>Channels a second that a session may join. Default: 100.</summary>
    [Range(1, 1_000_000, ErrorMessage = RateMessage)]
    public int JoinsPerSecond { get; set; } = 100;

    /// <summary>Changes of presence a second that a session may make. Default: 20.</summary>
    [Range(1, 1_000_000, ErrorMessage = RateMessage)]
    public int PresencePerSecond { get; set; } = 20;

    /// <summary>The span over which a rate is an average. Default: 5 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00", ErrorMessage = "Limits:Window must lie between one second and one minute.")]
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The largest payload of a message, in bytes of its JSON or binary form. Default: 262,144. SignalR takes no message over 1 MB.</summary>
    [Range(1, 900_000, ErrorMessage = "Limits:PayloadBytes must lie between 1 and 900,000: a SignalR message holds 1 MB with all that belongs to it.")]
    public int PayloadBytes { get; set; } = 262_144;
}
