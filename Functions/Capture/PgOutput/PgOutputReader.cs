using System.Buffers.Binary;
using System.Text;
using Serverless.Changes;

namespace Serverless.Capture.PgOutput;

/// <summary>Reads the fields of one pgoutput message, which are in network byte order.</summary>
/// <remarks>Source of the formats: PostgreSQL manual, section "Logical Replication Message Formats", protocol version 1.</remarks>
internal ref struct PgOutputReader(ReadOnlyMemory<byte> message)
{
    // PostgreSQL counts microseconds from 2000-01-01 (src/include/datatype/timestamp.h).
    private static readonly DateTime _postgresEpoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly ReadOnlyMemory<byte> _message = message;
    private readonly ReadOnlySpan<byte> _span = message.Span;
    private int _position;

    public byte ReadByte() => Take(1)[0];

    public int ReadInt16() => BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short)));

    public int ReadInt32() => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(sizeof(uint)));

    public Lsn ReadLsn() => new(BinaryPrimitives.ReadUInt64BigEndian(Take(sizeof(ulong))));

    public DateTime ReadTimestamp() => _postgresEpoch.AddMicroseconds(BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long))));

    /// <summary>A string that ends with a zero byte.</summary>
    public string ReadString()
    {
        var length = _span[_position..].IndexOf((byte)0);
        if (length < 0)
        {
            throw Truncated(1);
        }

        var text = Encoding.UTF8.GetString(_span.Slice(_position, length));
        _position += length + 1;
        return text;
    }

    /// <summary>The next bytes, as a part of the message's own memory.</summary>
    public ReadOnlyMemory<byte> ReadBytes(int count)
    {
        Take(count);
        return _message.Slice(_position - count, count);
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if ((uint)count > (uint)(_span.Length - _position))
        {
            throw Truncated(count);
        }

        _position += count;
        return _span.Slice(_position - count, count);
    }

    private readonly FormatException Truncated(int count) => new(
        $"A pgoutput message of {_span.Length} bytes should have {count} more at byte {_position}. "
        + "Is something between capture and PostgreSQL that alters the stream?");
}
