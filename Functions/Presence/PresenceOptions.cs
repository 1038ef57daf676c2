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

    /// <summary>Tables with the columns <c>user_id</c>, <c>status</c> and <c>last_seen</c> that heartbeats keep, as <c>schema.table</c>, separated by commas. Default: none.</summary>
    public string Tables { get; set; } = "";

    public bool IsTimeoutLongEnough => Timeout >= HeartbeatInterval * HeartbeatsInTimeout;
}
