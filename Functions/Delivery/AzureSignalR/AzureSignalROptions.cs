using System.ComponentModel.DataAnnotations;

namespace Serverless.Delivery.AzureSignalR;

/// <summary>How hard the REST side of Azure SignalR is driven.</summary>
internal sealed class AzureSignalROptions
{
    public const string Section = "AzureSignalR";

    /// <summary>Calls under way at once; further ones wait. Default: 64.</summary>
    [Range(1, 1024, ErrorMessage = "AzureSignalR:MaxConcurrentCalls must be between 1 and 1024.")]
    public int MaxConcurrentCalls { get; set; } = 64;

    /// <summary>How long one try may take. Default: 10 seconds.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Tries for a call that is throttled, times out or meets a failing service; the last failure is the caller's. Default: 3.</summary>
    [Range(1, 10, ErrorMessage = "AzureSignalR:Attempts must be between 1 and 10.")]
    public int Attempts { get; set; } = 3;

    /// <summary>Wait before the second try, doubled for each after it and shortened by up to half at random. Default: 200 ms.</summary>
    public TimeSpan RetryAfter { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest wait that a call takes upon itself; where the service asks for more, the caller is told at once. Default: 5 seconds.</summary>
    public TimeSpan MaxRetryWait { get; set; } = TimeSpan.FromSeconds(5);
}
