using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.Internal;
using Npgsql.Replication.PgOutput;
using Serverless.Capture.PgOutput;

namespace Serverless.Capture;

/// <summary>Reads the slot's stream to its end: decodes, packs, hands on. Everything here happens in the stream's order, on one flow.</summary>
internal sealed class CaptureStream(LogicalReplicationConnection replication, ChangeDecoder decoder, ChangePacker packer, PublishWindow window, TimeProvider time)
{
    private const int KeptBuffer = 1 << 20;

    private readonly List<DecodedChange> _changes = [];
    private byte[] _buffer = new byte[4096];

    /// <summary>Streams until cancelled or until the server ends the stream, which it does only when it shuts down.</summary>
    public async Task RunAsync(CaptureOptions options, CancellationToken cancellationToken)
    {
        KeyValuePair<string, string?>[] settings =
        [
            new("proto_version", "1"),
            new("publication_names", $"\"{options.Publication}\""),
        ];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var slot = new PgOutputReplicationSlot(options.Slot);
        var messages = replication.StartLogicalReplication(slot, stop.Token, options: settings).GetAsyncEnumerator(stop.Token);
        try
        {
            while (await NextAsync(messages, stop))
            {
                await HandleAsync(messages.Current, stop.Token);
            }
        }
        catch (NpgsqlException ex) when (IsEnd(ex))
        {
            // All that came before has been handed on; what was still in memory here is streamed again.
        }
        finally
        {
            await Disposal.WithinLimitAsync(messages, time);
        }
    }

    // A server that shuts down sends everything and then CommandComplete, without the CopyDone that Npgsql waits for: to the driver that looks like a fault of its own.
    private static bool IsEnd(NpgsqlException exception) =>
        exception is not PostgresException && exception.Message.Contains("CommandComplete", StringComparison.Ordinal);

    private async ValueTask<bool> NextAsync(IAsyncEnumerator<XLogDataMessage> messages, CancellationTokenSource stop)
    {
        var next = messages.MoveNextAsync();
        if (next.IsCompleted || !packer.HasOpen || decoder.Transaction is not null)
        {
            return await next;
        }

        // Nothing more is there at the moment, so waiting for company would only delay what has committed.
        var pending = next.AsTask();
        try
        {
            await packer.FlushAllAsync(stop.Token);
        }
        catch
        {
            // An enumerator must not be disposed of while it moves.
            await stop.CancelAsync();
            await ((Task)pending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        return await pending;
    }

    private async ValueTask HandleAsync(XLogDataMessage message, CancellationToken cancellationToken)
    {
        var bytes = await ReadAsync(message.Data, cancellationToken);
        var before = decoder.Transaction;
        await decoder.DecodeAsync(bytes, _changes, cancellationToken);
        if (before is null && decoder.Transaction is not null)
        {
            window.BeginTransaction();
        }

        foreach (var change in _changes)
        {
            await packer.AddAsync(change, cancellationToken);
        }

        _changes.Clear();
        if (before is not null && decoder.Transaction is null)
        {
            window.EndTransaction(decoder.LastCommitEnd);
        }
    }

    // A message is one row and can be as large as PostgreSQL lets a row be; its length is known, so it is read in one piece.
    private async ValueTask<ReadOnlyMemory<byte>> ReadAsync(Stream data, CancellationToken cancellationToken)
    {
        var length = checked((int)data.Length);
        if (_buffer.Length < length || _buffer.Length > KeptBuffer)
        {
            _buffer = new byte[Math.Max(length, 4096)];
        }

        var message = _buffer.AsMemory(0, length);
        await data.ReadExactlyAsync(message, cancellationToken);
        return message;
    }
}
