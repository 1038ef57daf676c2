using System.ComponentModel.DataAnnotations;

namespace Serverless.Capture;

/// <summary>How changes are read from the database's log.</summary>
internal sealed class CaptureOptions
{
    public const string Section = "Capture";

    /// <summary>Whether this process captures. Default: true. One of several that do streams at a time; the others stand by.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Name of the logical replication slot. Default: <c>serverless_changes</c>.</summary>
    /// <remarks>Renaming it abandons the old slot, which keeps WAL on the server until it is dropped.</remarks>
    [RegularExpression("^[a-z0-9_]{1,63}$", ErrorMessage = "Capture:Slot may hold only a-z, 0-9 and '_', and at most 63 characters.")]
    public string Slot { get; set; } = "serverless_changes";

    /// <summary>Name of the publication that lists the captured tables. Default: <c>supabase_realtime</c>.</summary>
    [RegularExpression("^[^\"',\\\\]{1,63}$",
        ErrorMessage = "Capture:Publication may hold no quotes, commas or backslashes, and at most 63 characters.")]
    public string Publication { get; set; } = "supabase_realtime";

    /// <summary>Wait before a session that ended is reopened, or the lease is tried again. Default: 1 second.</summary>
    /// <remarks>Doubles with each failure on end, up to 30 seconds or this value if it is longer.</remarks>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:05:00", ErrorMessage = "Capture:ReopenAfter must lie between 10 milliseconds and 5 minutes.")]
    public TimeSpan ReopenAfter { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the slot is told how far everything is handed on. Default: 1 second.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:10", ErrorMessage = "Capture:ConfirmEvery must lie between 10 milliseconds and 10 seconds.")]
    public TimeSpan ConfirmEvery { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The most changes in one batch. Default: 500.</summary>
    [Range(1, 100_000, ErrorMessage = "Capture:BatchChanges must lie between 1 and 100000.")]
    public int BatchChanges { get; set; } = 500;

    /// <summary>The most bytes of row JSON in one batch; a change that is larger travels alone. Default: 204800 (200 KiB).</summary>
    [Range(1, 100 << 20, ErrorMessage = "Capture:BatchBytes must lie between 1 byte and 100 MiB.")]
    public int BatchBytes { get; set; } = 200 << 10;

    /// <summary>The most batches that the bus may hold unfinished before reading stops. Default: 1024.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Capture:OutstandingBatches must lie between 1 and 1000000.")]
    public int OutstandingBatches { get; set; } = 1024;

    /// <summary>The most bytes of row JSON that the bus may hold unfinished before reading stops. Default: 67108864 (64 MiB).</summary>
    /// <remarks>A single batch that is larger goes out when nothing else is outstanding.</remarks>
    [Range(1, long.MaxValue, ErrorMessage = "Capture:OutstandingBytes must be at least 1.")]
    public long OutstandingBytes { get; set; } = 64L << 20;
}
