using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Serverless.Subscriptions.Filters;

/// <summary>A token in the space of a few registers, where it fits: up to 16 bytes, or a uuid. No two tokens pack alike.</summary>
/// <param name="First">Its first eight bytes, filled up with zeros.</param>
/// <param name="Second">The next eight.</param>
/// <param name="Length">Of the token, never 0.</param>
internal readonly record struct PackedToken(ulong First, ulong Second, int Length)
{
    /// <summary>Of a token that packs: a uuid in quotes.</summary>
    public const int MaxTokenLength = UuidLength;

    private const int MaxLength = 2 * sizeof(ulong);
    private const int UuidLength = 38;

    public static bool TryPack(ReadOnlySpan<byte> token, out PackedToken packed)
    {
        Span<byte> bytes = stackalloc byte[MaxLength];
        bytes.Clear();
        packed = default;
        if (token.Length is > 0 and <= MaxLength)
        {
            token.CopyTo(bytes);
        }
        else if (!TryReadUuid(token, bytes))
        {
            return false;
        }

        packed = new PackedToken(MemoryMarshal.Read<ulong>(bytes), MemoryMarshal.Read<ulong>(bytes[sizeof(ulong)..]), token.Length);
        return true;
    }

    /// <summary>Writes the token as it was.</summary>
    /// <param name="into">At least <see cref="MaxTokenLength"/> bytes.</param>
    public ReadOnlySpan<byte> Unpack(Span<byte> into)
    {
        Span<byte> bytes = stackalloc byte[MaxLength];
        MemoryMarshal.Write(bytes, First);
        MemoryMarshal.Write(bytes[sizeof(ulong)..], Second);
        if (Length <= MaxLength)
        {
            bytes[..Length].CopyTo(into);
            return into[..Length];
        }

        into[0] = (byte)'"';
        new Guid(bytes).TryFormat(into[1..], out _);
        into[UuidLength - 1] = (byte)'"';
        return into[..UuidLength];
    }

    // By the framework's hash for strings, which is keyed anew in each process: nobody can choose values that collide.
    public override int GetHashCode() => string.GetHashCode(MemoryMarshal.Cast<ulong, char>([First, Second, (ulong)Length]));

    // Only as PostgreSQL writes one: a text may hold the same uuid in capitals, and that is another text.
    private static bool TryReadUuid(ReadOnlySpan<byte> token, Span<byte> bytes) =>
        token.Length == UuidLength
        && token[0] == '"'
        && token[^1] == '"'
        && !token.ContainsAnyInRange((byte)'A', (byte)'F')
        && Utf8Parser.TryParse(token[1..^1], out Guid uuid, out var used, 'D')
        && used == UuidLength - 2
        && uuid.TryWriteBytes(bytes);
}
