using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Serverless.Support;

/// <summary>Makes tokens as an authentication service would, good and bad.</summary>
public static class Tokens
{
    public const string Secret = "a-secret-for-tests-that-is-long-enough";

    public static string For(string role, string? subject = null, TimeSpan? lifetime = null) => Sign(
        new { alg = "HS256", typ = "JWT" },
        subject is null
            ? new { role, exp = Expiry(lifetime) }
            : new { role, sub = subject, exp = Expiry(lifetime) });

    public static string Sign(object header, object payload, string secret = Secret) =>
        Join(header, payload, signed => HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed));

    /// <summary>A token in compact form, whatever signs it. Header and payload are objects, or texts that are taken as they are.</summary>
    public static string Join(object header, object payload, Func<byte[], byte[]> sign)
    {
        var signed = Encode(header) + "." + Encode(payload);
        return signed + "." + Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)));
    }

    public static long Expiry(TimeSpan? lifetime = null) => (TimeProvider.System.GetUtcNow() + (lifetime ?? TimeSpan.FromHours(1))).ToUnixTimeSeconds();

    private static string Encode(object part) =>
        Base64Url.EncodeToString(part is string text ? Encoding.UTF8.GetBytes(text) : JsonSerializer.SerializeToUtf8Bytes(part));
}
