using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Serverless.Streams;

/// <summary>Writes server-sent events (HTML Standard, section 9.2).</summary>
/// <remarks>Nothing is kept for a reader who is slow: whoever writes waits for him.</remarks>
internal sealed class EventWriter(PipeWriter output, TimeProvider time)
{
    private const int FlushBytes = 32 * 1024;

    private long _flushed = time.GetTimestamp();
    private string? _id;

    /// <summary>How long nothing has been sent.</summary>
    public TimeSpan Silence => time.GetElapsedTime(_flushed);

    /// <summary>How long a client waits before it connects again; most browsers would take three seconds or more.</summary>
    public void WriteRetry(TimeSpan wait) => Write($"retry: {(long)wait.TotalMilliseconds}\n");

    /// <summary>Tells the place alone: no event is dispatched for it, and a reconnect names it nevertheless.</summary>
    /// <remarks>Where the client knows the place already, a comment shows that the stream is alive.</remarks>
    public void WritePlace(string id) => Write(WithId(id) is { Length: > 0 } line ? line + "\n" : ":\n\n");

    /// <summary>Waits, where much is written, until the reader has taken it.</summary>
    /// <param name="name">Null for an event that <c>onmessage</c> receives.</param>
    /// <param name="id">Null where the event is no place to resume from.</param>
    public async ValueTask WriteEventAsync(string? name, string? id, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        Write(name is null ? "" : $"event: {name}\n");
        Write(id is null ? "" : WithId(id));
        Write("data: ");
        WriteOnOneLine(data.Span);
        Write("\n\n");
        if (output.UnflushedBytes >= FlushBytes)
        {
            await FlushAsync(cancellationToken);
        }
    }

    /// <exception cref="OperationCanceledException">The reader is gone, or the stream is to end.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        var result = await output.FlushAsync(cancellationToken);
        _flushed = time.GetTimestamp();
        if (result.IsCompleted || result.IsCanceled)
        {
            throw new OperationCanceledException("The reader of the stream is gone.");
        }
    }

    private string WithId(string id)
    {
        if (id == _id)
        {
            return "";
        }

        _id = id;
        return $"id: {id}\n";
    }

    // JSON may have line breaks between its tokens, as a column of type json keeps them; inside its texts they are escaped.
    private void WriteOnOneLine(ReadOnlySpan<byte> data)
    {
        for (int line; (line = data.IndexOfAny((byte)'\r', (byte)'\n')) >= 0; data = data[(line + 1)..])
        {
            output.Write(data[..line]);
            output.Write(" "u8);
        }

        output.Write(data);
    }

    private void Write(string text)
    {
        if (text.Length > 0)
        {
            output.Write(Encoding.UTF8.GetBytes(text));
        }
    }
}
