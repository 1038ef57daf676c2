using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Serverless.Auth.Keys;

namespace Serverless.Auth;

/// <summary>Verifies a JSON Web Token in compact form (RFC 7519, RFC 7515) and reads the caller from it.</summary>
/// <remarks>
/// Strict on purpose: the algorithm must be on our list whatever the header says, base64url has no padding and no white space, a member
/// may occur once, an unknown critical header is refused, <c>exp</c> and <c>role</c> must be there. Nothing is read from the payload before the signature holds.
/// HS256 is for the secret alone and the secret for HS256 alone; RS256 and ES256 are for public keys, each key for one of them. So no key is ever taken for
/// another kind's (RFC 8725 section 3.1).
/// </remarks>
internal sealed class JwtVerifier(
    IOptions<AuthOptions> options, IOptions<TokenKeyOptions> keyOptions, IVerificationKeys keys, TimeProvider time)
{
    private const string Hs256 = "HS256";

    private readonly byte[] _secret = Encoding.UTF8.GetBytes(options.Value.JwtSecret);

    private readonly ExpectedClaims _expected = new(keyOptions.Value.JwtIssuer, keyOptions.Value.JwtAudience);

    /// <summary>Completes at once, unless keys have to be fetched first.</summary>
    public async ValueTask<TokenVerdict> VerifyAsync(string token, CancellationToken cancellationToken)
    {
        if (CompactToken.Read(token) is not { } parts || TokenHeader.Read(parts.Header) is not { } header)
        {
            return TokenVerdict.Refused(TokenError.Malformed);
        }

        return header.Algorithm switch
        {
            Hs256 => VerifyWithSecret(parts),
            RsaKey.Rs256 or EcKey.Es256 => await VerifyWithKeyAsync(parts, header, cancellationToken),
            _ => TokenVerdict.Refused(TokenError.UnsupportedAlgorithm),
        };
    }

    // API keys name no audience and an issuer of their own, so neither is asked for here.
    private TokenVerdict VerifyWithSecret(CompactToken token) =>
        CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(_secret, token.Signed), token.Signature)
            ? TokenClaims.Read(token.Payload, ExpectedClaims.Any, time.GetUtcNow())
            : TokenVerdict.Refused(TokenError.BadSignature);

    private async ValueTask<TokenVerdict> VerifyWithKeyAsync(CompactToken token, TokenHeader header, CancellationToken cancellationToken)
    {
        if (header.KeyFault != TokenError.None)
        {
            return TokenVerdict.Refused(header.KeyFault);
        }

        var choice = await keys.ChooseAsync(header.Algorithm!, header.KeyId, cancellationToken);
        if (choice.Key is not { } key)
        {
            return TokenVerdict.Refused(choice.Error);
        }

        return key.Verifies(token.Signed, token.Signature)
            ? TokenClaims.Read(token.Payload, _expected, time.GetUtcNow())
            : TokenVerdict.Refused(TokenError.BadSignature);
    }
}
