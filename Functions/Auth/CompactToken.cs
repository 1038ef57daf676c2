using System.Text;

namespace Serverless.Auth;

/// <summary>A signed token in compact form, three parts with dots between them (RFC 7515 section 7.1), decoded and not yet believed.</summary>
/// <param name="Signed">What the signature is over: the first two parts as they came, with their dot.</param>
internal sealed record CompactToken(byte[] Signed, byte[] Header, byte[] Payload, byte[] Signature)
{
    private const int MaxLength = 16 * 1024;

    /// <returns>Null where the text has another form or is too long.</returns>
    public static CompactToken? Read(string token)
    {
        if (token.Length > MaxLength)
        {
            return null;
        }

        var first = token.IndexOf('.');
        var last = token.LastIndexOf('.');
        if (first <= 0
            || last <= first + 1
            || token.AsSpan(first + 1, last - first - 1).Contains('.')
            || !StrictBase64Url.TryDecode(token.AsSpan(0, first), out var header)
            || !StrictBase64Url.TryDecode(token.AsSpan(first + 1, last - first - 1), out var payload)
            || !StrictBase64Url.TryDecode(token.AsSpan(last + 1), out var signature))
        {
            return null;
        }

        return new CompactToken(Encoding.ASCII.GetBytes(token[..last]), header, payload, signature);
    }
}
