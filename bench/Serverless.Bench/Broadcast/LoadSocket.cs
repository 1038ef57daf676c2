using System.Net.WebSockets;
using System.Text;

namespace Serverless.Bench.Broadcast;

/// <summary>A SignalR connection that reads messages and keeps the time each took, parsing no more than it must.</summary>
internal sealed class LoadSocket : IDisposable
{
    private const byte RecordSeparator = 0x1e;

    private static readonly byte[] _handshake = Encoding.UTF8.GetBytes("{\"protocol\":\"json\",\"version\":1}\u001e");
    private static readonly byte[] _stamp = "\"sent\":"u8.ToArray();

    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _filled;

    public async Task ConnectAsync(Uri url, string? accessToken, CancellationToken cancellationToken)
    {
        if (accessToken is not null)
        {
            _socket.Options.SetRequestHeader("Authorization", $"Bearer {accessToken}");
        }

        _socket.Options.KeepAliveInterval = TimeSpan.FromSeconds(30);
        await _socket.ConnectAsync(url, cancellationToken);
        await SendAsync(_handshake, cancellationToken);
        while (await ReadAsync(_ => { }, cancellationToken) == 0)
        {
        }
    }

    public ValueTask SendAsync(ReadOnlyMemory<byte> record, CancellationToken cancellationToken) =>
        _socket.SendAsync(record, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);

    /// <summary>Reads once, and reports the time that each message in it was sent at.</summary>
    /// <returns>How many records came, pings among them.</returns>
    public async ValueTask<int> ReadAsync(Action<long> received, CancellationToken cancellationToken)
    {
        var result = await _socket.ReceiveAsync(_buffer.AsMemory(_filled), cancellationToken);
        if (result.MessageType == WebSocketMessageType.Close)
        {
            throw new InvalidOperationException("The server closed a connection.");
        }

        _filled += result.Count;
        var rest = _buffer.AsSpan(0, _filled);
        var records = 0;
        for (int end; (end = rest.IndexOf(RecordSeparator)) >= 0; records++)
        {
            ReadStamps(rest[..end], received);
            rest = rest[(end + 1)..];
        }

        rest.CopyTo(_buffer);
        _filled = rest.Length;
        return records;
    }

    public void Dispose() => _socket.Dispose();

    // A record may carry several messages.
    private static void ReadStamps(ReadOnlySpan<byte> record, Action<long> received)
    {
        for (int at; (at = record.IndexOf(_stamp)) >= 0;)
        {
            record = record[(at + _stamp.Length)..];
            if (System.Buffers.Text.Utf8Parser.TryParse(record, out long sent, out _))
            {
                received(sent);
            }
        }
    }
}
