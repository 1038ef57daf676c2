using System.Buffers.Text;
using System.Security.Cryptography;

namespace Serverless.Presence;

/// <summary>Names one presence of one session, as long as it lasts: Supabase's <c>phx_ref</c>.</summary>
internal static class MemberRef
{
    /// <summary>96 random bits, in base64url.</summary>
    public static string Next()
    {
        Span<byte> bytes = stackalloc byte[12];
        RandomNumberGenerator.Fill(bytes);
        return Base64Url.EncodeToString(bytes);
    }
}
