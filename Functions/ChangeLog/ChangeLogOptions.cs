using System.ComponentModel.DataAnnotations;

namespace Serverless.ChangeLog;

/// <summary>How much of the past is kept for clients that come back.</summary>
internal sealed class ChangeLogOptions
{
    public const string Section = "ChangeLog";

    /// <summary>How long changes are kept. Default: 10 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "7.00:00:00", ErrorMessage = "ChangeLog:Retention must lie between ten seconds and seven days.")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromMinutes(10);
}
