namespace Serverless.Auth.Keys;

/// <summary>The public keys that tokens may be signed with.</summary>
internal interface IVerificationKeys
{
    /// <summary>Chooses the key for a token by what its header says. Completes at once where nothing has to be fetched.</summary>
    ValueTask<KeyChoice> ChooseAsync(string algorithm, string? keyId, CancellationToken cancellationToken);
}
