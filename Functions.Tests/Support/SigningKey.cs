using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Serverless.Support;

/// <summary>A key pair of an authentication service: signs tokens, and shows its public half as a JWK.</summary>
public sealed class SigningKey
{
    private readonly string? _id;
    private readonly Func<byte[], byte[]> _sign;
    private readonly JsonObject _members;

    private SigningKey(string? id, string algorithm, Func<byte[], byte[]> sign, JsonObject members)
    {
        Algorithm = algorithm;
        _id = id;
        _sign = sign;
        _members = members;
        if (id is not null)
        {
            _members["kid"] = id;
        }
    }

    public string Algorithm { get; }

    /// <summary>The public key as a JWK; change it as a test needs.</summary>
    public JsonObject Jwk => (JsonObject)_members.DeepClone();

    public static SigningKey Ec(string? id, ECDsa? pair = null)
    {
        pair ??= ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = pair.ExportParameters(includePrivateParameters: false).Q;
        return new SigningKey(
            id,
            "ES256",
            signed => pair.SignData(signed, HashAlgorithmName.SHA256),
            new JsonObject { ["kty"] = "EC", ["crv"] = "P-256", ["x"] = Base64Url.EncodeToString(point.X), ["y"] = Base64Url.EncodeToString(point.Y) });
    }

    public static SigningKey Rsa(string? id, RSA? pair = null)
    {
        pair ??= RSA.Create(2048);
        var key = pair.ExportParameters(includePrivateParameters: false);
        return new SigningKey(
            id,
            "RS256",
            signed => pair.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            new JsonObject { ["kty"] = "RSA", ["n"] = Base64Url.EncodeToString(key.Modulus), ["e"] = Base64Url.EncodeToString(key.Exponent) });
    }

    public static string SetOf(params SigningKey[] keys) => SetOf([.. keys.Select(key => key.Jwk)]);

    public static string SetOf(params JsonObject[] jwks) => new JsonObject { ["keys"] = new JsonArray([.. jwks]) }.ToJsonString();

    /// <summary>A token of this key, good for an hour.</summary>
    public string Token(string role = "authenticated", string? subject = null, TimeProvider? time = null) =>
        Sign(new { role, sub = subject, exp = ((time ?? TimeProvider.System).GetUtcNow() + TimeSpan.FromHours(1)).ToUnixTimeSeconds() });

    /// <param name="header">In place of the one that names this key.</param>
    public string Sign(object payload, object? header = null) => Tokens.Join(header ?? Header(), payload, _sign);

    public JsonObject Header() => _id is null ? new() { ["alg"] = Algorithm } : new() { ["alg"] = Algorithm, ["kid"] = _id };
}
