namespace Serverless.Capture;

/// <summary>Capture cannot run until somebody changes something; the message says what.</summary>
internal sealed class CaptureException : Exception
{
    public CaptureException()
    {
    }

    public CaptureException(string message)
        : base(message)
    {
    }

    public CaptureException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
