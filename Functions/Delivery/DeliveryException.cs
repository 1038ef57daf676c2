namespace Serverless.Delivery;

/// <summary>Why a call to the SignalR service failed, decided once, where the answer is read.</summary>
internal enum DeliveryError
{
    /// <summary>Throttled, overloaded, unreachable or timed out: the same call may succeed later.</summary>
    Transient,

    /// <summary>The service will never accept this body: it is too large or malformed.</summary>
    Rejected,

    /// <summary>The service does not accept our key or identity.</summary>
    Unauthorized,
}

/// <summary>A call to the SignalR service failed. The message names the operation and the status, never a token or a payload.</summary>
internal sealed class DeliveryException : Exception
{
    public DeliveryException(DeliveryError error, string message, Exception? innerException = null)
        : base(message, innerException) => Error = error;

    public DeliveryException()
    {
    }

    public DeliveryException(string message)
        : base(message)
    {
    }

    public DeliveryException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public DeliveryError Error { get; }

    /// <summary>How long the service asked us to wait, where it did.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
