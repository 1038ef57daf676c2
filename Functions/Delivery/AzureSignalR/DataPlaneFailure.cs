using System.Net;

namespace Serverless.Delivery.AzureSignalR;

/// <summary>Says what an unsuccessful answer of the data plane means.</summary>
internal static class DataPlaneFailure
{
    /// <param name="operation">What was tried, without names of groups or users, which may be an application's data.</param>
    public static DeliveryException Classify(string operation, HttpResponseMessage response, TimeProvider time)
    {
        var status = (int)response.StatusCode;
        var code = response.Headers.TryGetValues("x-ms-error-code", out var codes) ? $" ({codes.First()})" : string.Empty;
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new DeliveryException(
                DeliveryError.Unauthorized,
                $"The SignalR service refused to {operation}: {status}{code}. Check the AccessKey in {DeliveryServices.ConnectionStringSetting}, the service's clock and ours, and its network rules."),
            HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError => new DeliveryException(
                DeliveryError.Transient,
                $"The SignalR service could not {operation} now: {status}{code}. If this lasts, add units or look at the service's health.")
            {
                RetryAfter = RetryAfter(response, time),
            },
            _ => new DeliveryException(
                DeliveryError.Rejected, $"The SignalR service will not {operation}: {status}{code}. The same call will not succeed later."),
        };
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date - time.GetUtcNow());
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }
}
