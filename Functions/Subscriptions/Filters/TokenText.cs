using System.Buffers;
using System.Text.Json;

namespace Serverless.Subscriptions.Filters;

/// <summary>The text that a JSON string token stands for. Costs nothing where nothing in it is escaped.</summary>
internal readonly ref struct TokenText
{
    private readonly byte[]? _rented;

    /// <param name="token">A JSON string, its quotes included.</param>
    public TokenText(ReadOnlySpan<byte> token)
    {
        Utf8 = token[1..^1];
        if (!Utf8.Contains((byte)'\\'))
        {
            return;
        }

        var reader = new Utf8JsonReader(token);
        reader.Read();
        _rented = ArrayPool<byte>.Shared.Rent(token.Length);
        Utf8 = _rented.AsSpan(0, reader.CopyString(_rented));
    }

    public ReadOnlySpan<byte> Utf8 { get; }

    public void Dispose()
    {
        if (_rented is not null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
        }
    }
}
