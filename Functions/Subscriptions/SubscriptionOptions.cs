using System.ComponentModel.DataAnnotations;

namespace Serverless.Subscriptions;

/// <summary>How changes find their subscribers.</summary>
internal sealed class SubscriptionOptions
{
    public const string Section = "Capture";

    /// <summary>The publication that capture streams; subscriptions are checked against it. Default: <c>supabase_realtime</c>.</summary>
    [Required]
    public string Publication { get; set; } = "supabase_realtime";

    /// <summary>The replication slot that capture streams from: until it exists, nothing is captured and nobody is subscribed. Default: <c>serverless_changes</c>.</summary>
    /// <remarks>Empty where another program feeds the bus and its slot is not known here; subscriptions then trust that it is there.</remarks>
    public string Slot { get; set; } = "serverless_changes";

    /// <summary>
    /// What becomes of a DELETE of which the log has the key alone, on a table whose policies read more. Default: <c>Withhold</c>. <c>SendKey</c> is what Supabase does: the key goes
    /// to every subscriber of the table, whoever could see the row.
    /// </summary>
    public UnverifiableDeletes UnverifiableDeletes { get; set; }
}

/// <summary>What is done with a delete that cannot be judged.</summary>
internal enum UnverifiableDeletes
{
    Withhold,
    SendKey,
}
