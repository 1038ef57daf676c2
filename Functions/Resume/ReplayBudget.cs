using System.Buffers;

namespace Serverless.Resume;

/// <summary>What one call may give and take: the rest is for the next one.</summary>
internal sealed class ReplayBudget(TimeProvider time)
{
    public const int MaxBytes = 4 * 1024 * 1024;

    private static readonly TimeSpan _maxTime = TimeSpan.FromSeconds(2);

    private readonly long _began = time.GetTimestamp();
    private int _bytes;

    /// <summary>Whether another piece of the log may be read.</summary>
    public bool HasRoom => _bytes < MaxBytes && time.GetElapsedTime(_began) < _maxTime;

    public void Spend(int bytes) => _bytes += bytes;
}

/// <summary>A JSON array that grows.</summary>
internal sealed class MessageList
{
    private readonly ArrayBufferWriter<byte> _json = new();

    public MessageList() => _json.Write("["u8);

    public void Add(ReadOnlySpan<byte> message)
    {
        if (_json.WrittenCount > 1)
        {
            _json.Write(","u8);
        }

        _json.Write(message);
    }

    public ReadOnlyMemory<byte> End()
    {
        _json.Write("]"u8);
        return _json.WrittenMemory;
    }
}
