using System.Security.Cryptography;
using System.Text.Json;

namespace Serverless.Auth.Keys;

/// <summary>A key on the curve P-256 for ES256: ECDSA with SHA-256 (RFC 7518 section 3.4).</summary>
internal sealed class EcKey : VerificationKey
{
    public const string Es256 = "ES256";

    /// <summary>Bytes of a coordinate, and of either half of a signature.</summary>
    private const int Size = 32;

    private readonly ECParameters _parameters;

    private EcKey(string? id, ECParameters parameters)
        : base(id, Es256) => _parameters = parameters;

    /// <summary>Reads the members of RFC 7518 section 6.2.1.</summary>
    /// <returns>The key, or null with the reason.</returns>
    public static EcKey? Read(JsonElement jwk, string? id, out string reason)
    {
        if (jwk.Text("crv"u8) != "P-256")
        {
            reason = "its curve ('crv') is not P-256";
            return null;
        }

        if (!TryReadCoordinate(jwk, "x"u8, out var x) || !TryReadCoordinate(jwk, "y"u8, out var y))
        {
            reason = $"'x' and 'y' must be {Size} bytes each in base64url, without padding";
            return null;
        }

        var parameters = new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = x, Y = y } };
        if (!IsOnCurve(parameters))
        {
            reason = "'x' and 'y' are no point of the curve";
            return null;
        }

        reason = "";
        return new EcKey(id, parameters);
    }

    // The signature is r and s in 32 bytes each, not the DER of other protocols, and neither may be zero: an implementation that
    // forgot that took all-zero signatures for anybody's (CVE-2022-21449), so it is not left to the platform's library alone.
    public override bool Verifies(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != 2 * Size || !signature[..Size].ContainsAnyExcept((byte)0) || !signature[Size..].ContainsAnyExcept((byte)0))
        {
            return false;
        }

        using var ecdsa = ECDsa.Create(_parameters);
        return ecdsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    private static bool TryReadCoordinate(JsonElement jwk, ReadOnlySpan<byte> name, out byte[] coordinate)
    {
        coordinate = [];
        return jwk.Text(name) is { } text && StrictBase64Url.TryDecode(text, out coordinate) && coordinate.Length == Size;
    }

    private static bool IsOnCurve(ECParameters parameters)
    {
        try
        {
            using var _ = ECDsa.Create(parameters);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
