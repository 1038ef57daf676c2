using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Serverless.Auth;

/// <summary>Makes and checks the token that ties a client's HTTP calls to its SignalR connection.</summary>
/// <remarks>
/// The token is 16 bytes of session id, 8 bytes of expiry (seconds since 1970, big-endian) and an HMAC-SHA256 over both, in base64url. The key is derived from the
/// JWT secret by HKDF with a label of its own, so that neither kind of token can stand in for the other.
/// </remarks>
internal sealed class SessionTokens(IOptions<AuthOptions> options, TimeProvider time)
{
    private const int SignedLength = 24;
    private const int Length = SignedLength + 32;

    private readonly byte[] _key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(options.Value.JwtSecret), 32, info: "serverless-realtime session token"u8.ToArray());

    public TimeSpan Lifetime { get; } = options.Value.SessionLifetime;

    public string Issue(Guid session)
    {
        Span<byte> token = stackalloc byte[Length];
        session.TryWriteBytes(token, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(token[16..], (time.GetUtcNow() + Lifetime).ToUnixTimeSeconds());
        HMACSHA256.HashData(_key, token[..SignedLength], token[SignedLength..]);
        return Base64Url.EncodeToString(token);
    }

    /// <summary>Whether the token is one of ours and still good.</summary>
    public bool TryRead(string? text, out Guid session)
    {
        session = default;
        Span<byte> token = stackalloc byte[Length];
        if (text is null
            || text.Length != Base64Url.GetEncodedLength(Length)
            || Base64Url.DecodeFromChars(text, token, out _, out var written) != OperationStatus.Done
            || written != Length)
        {
            return false;
        }

        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(_key, token[..SignedLength], mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, token[SignedLength..])
            || BinaryPrimitives.ReadInt64BigEndian(token[16..]) <= time.GetUtcNow().ToUnixTimeSeconds())
        {
            return false;
        }

        session = new Guid(token[..16], bigEndian: true);
        return true;
    }
}
