using System.ComponentModel.DataAnnotations;

namespace Serverless.Broadcast;

/// <summary>How long messages are kept for those who join later.</summary>
internal sealed class BroadcastOptions
{
    public const string Section = "Broadcast";

    /// <summary>How long rows stay in <c>realtime.messages</c>. Default: 72 hours. On a database of Supabase's own, Supabase deletes them.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00", ErrorMessage = "Broadcast:MessageRetention must lie between one minute and 365 days.")]
    public TimeSpan MessageRetention { get; set; } = TimeSpan.FromHours(72);

    /// <summary>How long messages of HTTP callers and clients to private topics are kept. Default: zero, which keeps none. Each costs a write to the database.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00", ErrorMessage = "Broadcast:Retention must lie between zero, for none, and 30 days.")]
    public TimeSpan Retention { get; set; }
}
