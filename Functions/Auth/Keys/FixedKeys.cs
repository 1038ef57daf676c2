namespace Serverless.Auth.Keys;

/// <summary>The keys that stand in the settings; none, where no settings ask for keys.</summary>
internal sealed class FixedKeys(JsonWebKeySet? set) : IVerificationKeys
{
    public ValueTask<KeyChoice> ChooseAsync(string algorithm, string? keyId, CancellationToken cancellationToken) =>
        new(set?.Choose(algorithm, keyId) ?? KeyChoice.None(TokenError.UnsupportedAlgorithm));
}
