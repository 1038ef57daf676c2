using System.ComponentModel.DataAnnotations;

namespace Serverless.ChangeLog;

/// <summary>How much of the past is kept for clients that come back.</summary>
internal sealed class ChangeLogOptions
{
    public const string Section = "ChangeLog";

    /// <summary>For how long a client may be away and miss nothing. Default: 10 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "7.00:00:00", ErrorMessage = "ChangeLog:Retention must lie between ten seconds and seven days.")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How many bytes of changes are kept at most, whatever their age. Default: 1 GiB.</summary>
    [Range(1L << 20, 1L << 42, ErrorMessage = "ChangeLog:MaxBytes must lie between 1048576 (1 MiB) and 4398046511104 (4 TiB).")]
    public long MaxBytes { get; set; } = 1L << 30;

    /// <summary>How often everybody is told how far the sending has come.</summary>
    public TimeSpan ProgressEvery => Retention / 4;

    /// <summary>How long changes are kept: clients know how far they are to the last telling of it, which may have been a moment ago or one interval.</summary>
    public TimeSpan Age => Retention + (2 * ProgressEvery);
}
