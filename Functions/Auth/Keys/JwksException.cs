namespace Serverless.Auth.Keys;

/// <summary>A key set was not to be had from its address; the message says why.</summary>
internal sealed class JwksException(string message, Exception? inner = null) : Exception(message, inner);
