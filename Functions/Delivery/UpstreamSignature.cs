using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Serverless.Delivery;

/// <summary>
/// The header <c>X-ASRS-Signature</c> of an upstream event: for each access key <c>sha256=&lt;hex&gt;</c> of an HMAC-SHA256 of the
/// connection id. It covers nothing else, so a body under a right signature is still only a hint.
/// </summary>
internal sealed class UpstreamSignature(string? accessKey)
{
    private const string Prefix = "sha256=";

    public static string Compute(string accessKey, string connectionId) =>
        Prefix + Convert.ToHexStringLower(Hash(accessKey, connectionId));

    /// <summary>Whether one of the header's signatures is by our key. Without a key (a service inside the process posts nothing) none is.</summary>
    public bool IsBy(string connectionId, string header)
    {
        if (accessKey is null || connectionId.Length == 0)
        {
            return false;
        }

        var expected = Hash(accessKey, connectionId);
        foreach (var part in header.Split(',', StringSplitOptions.TrimEntries))
        {
            var given = new byte[expected.Length];
            if (part.Length == Prefix.Length + (2 * expected.Length)
                && part.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
                && Convert.FromHexString(part.AsSpan(Prefix.Length), given, out _, out _) == OperationStatus.Done
                && CryptographicOperations.FixedTimeEquals(expected, given))
            {
                return true;
            }
        }

        return false;
    }

    private static byte[] Hash(string accessKey, string connectionId) =>
        HMACSHA256.HashData(Encoding.UTF8.GetBytes(accessKey), Encoding.UTF8.GetBytes(connectionId));
}
