using System.Buffers;

namespace Serverless.Capture.Values;

/// <summary>
/// One quoted element of an array's or composite's text output, unescaped. Arrays escape with a backslash; composites double quotes and
/// backslashes; a reader of both meets no contradiction.
/// </summary>
internal readonly ref struct QuotedText
{
    private readonly byte[]? _rented;

    private QuotedText(ReadOnlySpan<byte> text, int consumed, byte[]? rented)
    {
        Text = text;
        Consumed = consumed;
        _rented = rented;
    }

    public ReadOnlySpan<byte> Text { get; }

    /// <summary>Length of the quoted form, both quotes included.</summary>
    public int Consumed { get; }

    /// <param name="source">Begins with the opening quote.</param>
    /// <exception cref="FormatException">The closing quote is missing.</exception>
    public static QuotedText Read(ReadOnlySpan<byte> source)
    {
        var special = 1 + source[1..].IndexOfAny((byte)'"', (byte)'\\');
        if (special > 0 && source[special] == (byte)'"' && !IsDoubled(source, special))
        {
            return new QuotedText(source[1..special], special + 1, rented: null);
        }

        var rented = ArrayPool<byte>.Shared.Rent(source.Length);
        var length = 0;
        for (var i = 1; i < source.Length; i++)
        {
            if (source[i] == (byte)'"' && !IsDoubled(source, i))
            {
                return new QuotedText(rented.AsSpan(0, length), i + 1, rented);
            }

            if (source[i] is (byte)'"' or (byte)'\\' && i + 1 < source.Length)
            {
                i++;
            }

            rented[length++] = source[i];
        }

        ArrayPool<byte>.Shared.Return(rented);
        throw new FormatException("A quoted element of an array or composite has no closing quote; the value cannot be what PostgreSQL printed.");
    }

    public void Dispose()
    {
        if (_rented is not null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
        }
    }

    private static bool IsDoubled(ReadOnlySpan<byte> source, int quote) => quote + 1 < source.Length && source[quote + 1] == (byte)'"';
}
