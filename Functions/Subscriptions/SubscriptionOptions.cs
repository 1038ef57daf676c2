using System.ComponentModel.DataAnnotations;

namespace Serverless.Subscriptions;

/// <summary>How changes find their subscribers.</summary>
internal sealed class SubscriptionOptions
{
    public const string Section = "Capture";

    /// <summary>The publication that capture streams; subscriptions are checked against it. Default: <c>supabase_realtime</c>.</summary>
    [Required]
    public string Publication { get; set; } = "supabase_realtime";
}
