using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;

namespace Serverless.Auth.Keys;

/// <summary>An RSA key for RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).</summary>
internal sealed class RsaKey : VerificationKey
{
    public const string Rs256 = "RS256";

    // RFC 7518 section 3.3 asks for 2048 bits; what a key may cost us at most is ours to say.
    private const int MinBits = 2048;
    private const int MaxBits = 8192;

    // FIPS 186-5 appendix A.1.1: odd and above 2 to the 16th. With an exponent of 1 everybody could sign.
    private const int MinExponent = 65537;
    private const uint MaxExponent = uint.MaxValue;

    private readonly RSAParameters _parameters;

    private RsaKey(string? id, RSAParameters parameters)
        : base(id, Rs256) => _parameters = parameters;

    /// <summary>Reads the members of RFC 7518 section 6.3.1.</summary>
    /// <returns>The key, or null with the reason.</returns>
    public static RsaKey? Read(JsonElement jwk, string? id, out string reason)
    {
        if (!TryReadNumber(jwk, "n"u8, out var modulus) || !TryReadNumber(jwk, "e"u8, out var exponent))
        {
            reason = "'n' and 'e' must be numbers in base64url, without padding or leading zeros";
            return null;
        }

        if (modulus.GetBitLength() is < MinBits or > MaxBits)
        {
            reason = $"its modulus has {modulus.GetBitLength()} bits; {MinBits} to {MaxBits} are accepted";
            return null;
        }

        if (exponent < MinExponent || exponent > MaxExponent || exponent.IsEven || modulus.IsEven)
        {
            reason = $"its exponent must be odd and lie between {MinExponent} and {MaxExponent}, and its modulus be odd";
            return null;
        }

        reason = "";
        return new RsaKey(id, new RSAParameters { Modulus = Bytes(modulus), Exponent = Bytes(exponent) });
    }

    // The framework promises no key that several threads may use at once, and making one takes a small part of a millisecond.
    public override bool Verifies(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        using var rsa = RSA.Create(_parameters);
        return rsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    // Base64urlUInt of RFC 7518 section 2: big-endian, and no leading zero.
    private static bool TryReadNumber(JsonElement jwk, ReadOnlySpan<byte> name, out BigInteger number)
    {
        number = default;
        if (jwk.Text(name) is not { } text || !StrictBase64Url.TryDecode(text, out var bytes) || bytes is not [not 0, ..])
        {
            return false;
        }

        number = new BigInteger(bytes, isUnsigned: true, isBigEndian: true);
        return true;
    }

    private static byte[] Bytes(BigInteger number) => number.ToByteArray(isUnsigned: true, isBigEndian: true);
}
