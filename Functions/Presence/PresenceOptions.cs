using System.ComponentModel.DataAnnotations;

namespace Serverless.Presence;

/// <summary>How long members stay present, and which tables tell of it too.</summary>
internal sealed class PresenceOptions
{
    public const string Section = "Presence";

    /// <summary>A timeout shorter than so many heartbeats would take members for gone whose heartbeat is a little late.</summary>
    public const double HeartbeatsInTimeout = 2.5;

    /// <summary>How often a session that is present is to call. Default: 30 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00", ErrorMessage = "Presence:HeartbeatInterval must lie between one second and 10 minutes.")]
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A session that was silent for so long is taken for gone. Default: 75 seconds; at least two and a half heartbeats.</summary>
    [Range(typeof(TimeSpan), "00:00:02", "01:00:00", ErrorMessage = "Presence:Timeout must lie between two seconds and one hour.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(75);

    /// <summary>Members that a topic may have at a time. Default: 50,000.</summary>
    /// <remarks>Whoever joins or asks is sent the whole state, so a topic of many members costs by the square of them.</remarks>
    [Range(1, 10_000_000, ErrorMessage = "Presence:MaxMembers must lie between 1 and 10,000,000.")]
    public int MaxMembers { get; set; } = 50_000;

    /// <summary>The largest payload of presence, in bytes of its JSON. Default: 65,536.</summary>
    [Range(1, 250_000, ErrorMessage = "Presence:MetaBytes must lie between 1 and 250,000: a call holds 256 KiB with all that belongs to it.")]
    public int MetaBytes { get; set; } = 65_536;

    /// <summary>The bytes of all members' keys and payloads that a topic may have. Default: 64 MiB.</summary>
    [Range(1024, 1 << 30, ErrorMessage = "Presence:TopicBytes must lie between 1,024 and 1,073,741,824.")]
    public int TopicBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Tables with the columns <c>user_id</c>, <c>status</c> and <c>last_seen</c> that heartbeats keep, as <c>schema.table</c>, separated by commas. Default: none.</summary>
    public string Tables { get; set; } = "";

    /// <summary>The interval as clients are told it, in whole seconds.</summary>
    public int IntervalSeconds => (int)HeartbeatInterval.TotalSeconds;

    public bool IsTimeoutLongEnough => Timeout >= HeartbeatInterval * HeartbeatsInTimeout;
}
