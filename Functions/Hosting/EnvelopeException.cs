namespace Serverless.Hosting;

/// <summary>What the Functions host sent is not the envelope that the function's bindings promise. The message never quotes it.</summary>
internal sealed class EnvelopeException : Exception
{
    public EnvelopeException()
    {
    }

    public EnvelopeException(string message)
        : base(message)
    {
    }

    public EnvelopeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
