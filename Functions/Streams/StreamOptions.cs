using System.ComponentModel.DataAnnotations;

namespace Serverless.Streams;

/// <summary>How many streams there may be, and how long each lives.</summary>
internal sealed class StreamOptions
{
    public const string Section = "Streams";

    /// <summary>Streams that this process serves at a time. Default: 200. Each reads the log for itself, and may hold a few megabytes while its reader is slow.</summary>
    [Range(0, 100_000, ErrorMessage = "Streams:MaxStreams must lie between 0 and 100,000.")]
    public int MaxStreams { get; set; } = 200;

    /// <summary>The longest that a stream is silent. Default: 15 seconds.</summary>
    /// <remarks>Proxies close what is silent for long, and a client that is gone is noticed by writing to it.</remarks>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:02:00", ErrorMessage = "Streams:KeepAlive must lie between a tenth of a second and two minutes.")]
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>After how long a stream ends by itself. Default: 200 seconds.</summary>
    /// <remarks>Proxies bound how long a request may take: Azure's takes 230 seconds. A stream that ends in order is resumed in order.</remarks>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "Streams:Lifetime must lie between one second and one day.")]
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromSeconds(200);

    /// <summary>How often a stream looks into the log though nothing was announced. Default: 30 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00", ErrorMessage = "Streams:Poll must lie between one second and ten minutes.")]
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(30);
}
