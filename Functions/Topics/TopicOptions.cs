using System.ComponentModel.DataAnnotations;

namespace Serverless.Topics;

/// <summary>How channels are authorized.</summary>
internal sealed class TopicOptions
{
    public const string Section = "Channels";

    /// <summary>How long what policies said of a private topic holds before they are asked again. Default: one minute.</summary>
    /// <remarks>A right to hear that was lost ends with the first sweep after this time, a right to send with the first message after it.</remarks>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ErrorMessage = "Channels:AuthorizationTime must lie between one second and one hour.")]
    public TimeSpan AuthorizationTime { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long the policies may take over one question. Default: 2 seconds. Where they take longer, nothing is allowed.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:30", ErrorMessage = "Channels:PolicyLimit must lie between 10 milliseconds and 30 seconds.")]
    public TimeSpan PolicyLimit { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Topics that a session may have joined at a time. Default: 100, as in Supabase.</summary>
    [Range(1, 10_000, ErrorMessage = "Channels:MaxTopics must lie between 1 and 10,000.")]
    public int MaxTopics { get; set; } = 100;
}
