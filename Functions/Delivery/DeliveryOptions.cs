namespace Serverless.Delivery;

/// <summary>What is true of the SignalR service whoever runs it.</summary>
internal sealed class DeliveryOptions
{
    public const string Section = "Realtime";

    /// <summary>The SignalR hub all clients connect to. Default: <c>realtime</c>.</summary>
    /// <remarks>Two apps that share one SignalR service need two hubs.</remarks>
    public string Hub { get; set; } = "realtime";

    /// <summary>Origins whose pages may connect, separated by commas; <c>*</c> is any. Default: <c>*</c>.</summary>
    /// <remarks>For embedded SignalR only; Azure SignalR has a CORS setting of its own.</remarks>
    public string AllowedOrigins { get; set; } = "*";
}
