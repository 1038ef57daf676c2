namespace Serverless.Auth.Keys;

/// <summary>A public key, and the one algorithm that it is used with.</summary>
/// <remarks>The key says which algorithm, never the token: a token that asks for another one finds no key (RFC 8725 section 3.1).</remarks>
internal abstract class VerificationKey(string? id, string algorithm)
{
    /// <summary>The <c>kid</c> by which tokens name it; null where it has none.</summary>
    public string? Id { get; } = id;

    public string Algorithm { get; } = algorithm;

    /// <summary>Whether the signature is this key's over these bytes.</summary>
    public abstract bool Verifies(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature);
}
