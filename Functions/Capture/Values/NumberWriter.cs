using System.Buffers;
using System.Buffers.Text;
using Serverless.Changes;

namespace Serverless.Capture.Values;

/// <summary>
/// numeric, float4 and float8: all the digits that <c>numeric</c> would print, with its scale. NaN and the infinities, which JSON
/// has no numbers for, are strings.
/// </summary>
/// <param name="onInexact">Called when another value has the same JSON: for a float's negative zero.</param>
internal sealed class NumberWriter(Action? onInexact = null) : ValueWriter
{
    private static readonly SearchValues<byte> _unusual = SearchValues.Create("eNn"u8);

    public static NumberWriter Instance { get; } = new();

    public override void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        var unusual = text.IndexOfAny(_unusual);
        if (unusual < 0)
        {
            // A float keeps the sign of zero; numeric, which to_jsonb goes through, does not.
            if (text.SequenceEqual("-0"u8))
            {
                onInexact?.Invoke();
                text = "0"u8;
            }

            output.Write(text);
        }
        else if (text[unusual] == (byte)'e' && Utf8Parser.TryParse(WithoutPlus(text[(unusual + 1)..]), out int exponent, out _))
        {
            WriteExpanded(output, text[..unusual], exponent);
        }
        else
        {
            JsonText.Write(output, text);
        }
    }

    private static ReadOnlySpan<byte> WithoutPlus(ReadOnlySpan<byte> digits) => digits is [(byte)'+', ..] ? digits[1..] : digits;

    // "-1.25e-05" is written as -0.0000125, "1.5e+20" as 150000000000000000000.
    private static void WriteExpanded(IBufferWriter<byte> output, ReadOnlySpan<byte> mantissa, int exponent)
    {
        if (mantissa is [(byte)'-', ..])
        {
            output.Write("-"u8);
            mantissa = mantissa[1..];
        }

        var point = mantissa.IndexOf((byte)'.');
        var whole = point < 0 ? mantissa : mantissa[..point];
        var fraction = point < 0 ? [] : mantissa[(point + 1)..];
        Span<byte> digits = stackalloc byte[whole.Length + fraction.Length];
        whole.CopyTo(digits);
        fraction.CopyTo(digits[whole.Length..]);

        var wholeDigits = whole.Length + exponent;
        if (wholeDigits <= 0)
        {
            output.Write("0."u8);
            WriteZeros(output, -wholeDigits);
            output.Write(digits);
        }
        else if (wholeDigits >= digits.Length)
        {
            output.Write(digits);
            WriteZeros(output, wholeDigits - digits.Length);
        }
        else
        {
            output.Write(digits[..wholeDigits]);
            output.Write("."u8);
            output.Write(digits[wholeDigits..]);
        }
    }

    private static void WriteZeros(IBufferWriter<byte> output, int count)
    {
        var zeros = output.GetSpan(count + 1)[..count];
        zeros.Fill((byte)'0');
        output.Advance(count);
    }
}
