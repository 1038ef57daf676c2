using Serverless.Changes;

namespace Serverless.Capture.PgOutput;

/// <summary>A change and the bus partition that it goes to.</summary>
internal readonly record struct DecodedChange(int Partition, RowChange Change);

/// <summary>Turns the messages of one replication session into row changes. Messages come in the stream's order.</summary>
/// <remarks>Only what must ask the catalog waits; rows of ordinary types are decoded without.</remarks>
internal sealed class ChangeDecoder(RelationCatalog catalog, Values.TypeCatalog types)
{
    private readonly Dictionary<uint, StreamedRelation> _relations = [];
    private readonly PartitionIdentities _partitions = new();
    private readonly RowImageWriter _images = new(types);
    private readonly TupleData _new = new();
    private readonly TupleData _old = new();

    /// <summary>The transaction that is being streamed; null between two.</summary>
    public StreamedTransaction? Transaction { get; private set; }

    /// <summary>Where the log goes on after the last commit that was read.</summary>
    public Lsn LastCommitEnd { get; private set; }

    /// <summary>Decodes one message; its changes, if any, are added to <paramref name="changes"/>.</summary>
    /// <exception cref="FormatException">The message is not one of pgoutput's protocol version 1.</exception>
    public async ValueTask DecodeAsync(ReadOnlyMemory<byte> message, List<DecodedChange> changes, CancellationToken cancellationToken)
    {
        var kind = KindOf(message);
        if (kind is not ('R' or 'Y' or 'I' or 'U' or 'D'))
        {
            _partitions.Interrupted();
        }

        switch (kind)
        {
            case 'B':
                Transaction = ReadBegin(message);
                break;
            case 'C':
                LastCommitEnd = ReadCommitEnd(message);
                Transaction = null;
                break;
            case 'R':
                var announced = ReadRelation(message);
                _partitions.Announced(announced);
                await DescribeAsync(announced, cancellationToken);
                break;
            case 'I' or 'U' or 'D':
                await DecodeRowAsync(message, changes, cancellationToken);
                break;
            case 'T':
                DecodeTruncate(message, changes);
                break;
            case 'Y' or 'O':
                // A type's name comes from the catalog, with the rest of it; an origin says only where a replicated change was first made.
                break;
            case var unknown:
                throw new FormatException($"The stream has a message of kind '{unknown}', which pgoutput's protocol version 1 does not know.");
        }
    }

    private async ValueTask DecodeRowAsync(ReadOnlyMemory<byte> message, List<DecodedChange> changes, CancellationToken cancellationToken)
    {
        var row = ReadRow(message);
        var position = RequireTransaction().NextPosition();
        if (_partitions.Changed(row.Relation.Announced.Oid))
        {
            await DescribeAsync(row.Relation.Announced, cancellationToken);
            row = ReadRow(message);
        }

        if (row.Relation.IsOurs)
        {
            return;
        }

        var change = await ReadChangeAsync(row, position, cancellationToken);
        if (types.IsStale)
        {
            // A composite type was altered since its table was announced. Look again, once: what then still differs is written as text.
            types.Forget();
            await DescribeAsync(row.Relation.Announced, cancellationToken);
            change = await ReadChangeAsync(ReadRow(message), position, cancellationToken);
        }

        changes.Add(new DecodedChange(row.Relation.Partition, change));
    }

    private async ValueTask<RowChange> ReadChangeAsync(RowMessage row, ChangePosition position, CancellationToken cancellationToken)
    {
        if (row.Relation.ServerConversion is { } conversion)
        {
            await ConvertAsync(conversion, row, cancellationToken);
        }

        return WriteChange(row, position);
    }

    private async Task ConvertAsync(Values.ServerConversion conversion, RowMessage row, CancellationToken cancellationToken)
    {
        if (row.HasNew)
        {
            await conversion.ConvertAsync(_new, cancellationToken);
        }

        if (row.Old != OldRow.None)
        {
            await conversion.ConvertAsync(_old, cancellationToken);
        }
    }

    private RowChange WriteChange(RowMessage row, ChangePosition position)
    {
        var old = row.Old == OldRow.None ? null : _old;
        var newImage = row.HasNew ? _images.WriteRow(row.Relation, _new, old, oldIsKeyOnly: row.Old == OldRow.Key) : null;
        var oldImage = row switch
        {
            { Old: OldRow.Whole } => _images.WriteRow(row.Relation, _old),
            { Old: OldRow.Key } => _images.WriteKey(row.Relation, _old),

            // An update that leaves the key alone comes without an old row: its key is the new row's.
            { Kind: ChangeKind.Update } => _images.WriteKey(row.Relation, _new),
            _ => null,
        };
        return Change(row.Relation, row.Kind, position, newImage, oldImage);
    }

    private RowChange Change(StreamedRelation relation, ChangeKind kind, ChangePosition position, RowImage? row, RowImage? old)
    {
        var transaction = RequireTransaction();
        return new RowChange(relation.Relation, kind, position, transaction.Xid, transaction.CommittedAt, row, old);
    }

    private void DecodeTruncate(ReadOnlyMemory<byte> message, List<DecodedChange> changes)
    {
        var reader = Fields(message);
        var count = reader.ReadInt32();
        _ = reader.ReadByte();
        var transaction = RequireTransaction();
        for (var i = 0; i < count; i++)
        {
            var relation = FindRelation(reader.ReadUInt32());
            var position = transaction.NextPosition();
            if (!relation.IsOurs)
            {
                changes.Add(new DecodedChange(relation.Partition, Change(relation, ChangeKind.Truncate, position, row: null, old: null)));
            }
        }
    }

    private async Task<StreamedRelation> DescribeAsync(RelationMessage message, CancellationToken cancellationToken)
    {
        var relation = await catalog.DescribeAsync(message, _partitions.Resolve(message), cancellationToken);
        _relations[message.Oid] = relation;
        return relation;
    }

    private RowMessage ReadRow(ReadOnlyMemory<byte> message)
    {
        var kind = KindOf(message);
        var reader = Fields(message);
        var relation = FindRelation(reader.ReadUInt32());
        var old = OldRow.None;
        var part = reader.ReadByte();
        if (part is (byte)'K' or (byte)'O')
        {
            old = IsWhole(relation, part) ? OldRow.Whole : OldRow.Key;
            _old.Read(ref reader, relation.Columns.Count);
            part = kind == 'U' ? reader.ReadByte() : (byte)0;
        }

        if (part == (byte)'N' && kind != 'D')
        {
            _new.Read(ref reader, relation.Columns.Count);
        }
        else if (kind != 'D' || old == OldRow.None)
        {
            throw new FormatException($"A message of kind '{kind}' has a part '{(char)part}' where a row was expected.");
        }

        return new RowMessage(relation, kind switch { 'I' => ChangeKind.Insert, 'U' => ChangeKind.Update, _ => ChangeKind.Delete }, old);
    }

    // Of a partition's row the mark tells what its root declares.
    private bool IsWhole(StreamedRelation relation, byte mark) =>
        _partitions.IsRoot(relation.Announced.Oid) ? relation.Relation.Identity == ReplicaIdentity.Full : mark == (byte)'O';

    private StreamedRelation FindRelation(uint oid) => _relations.TryGetValue(oid, out var relation)
        ? relation
        : throw new FormatException($"The stream has a change of relation {oid}, which it has not described before.");

    private StreamedTransaction RequireTransaction() =>
        Transaction ?? throw new FormatException("The stream has a change outside of a transaction.");

    private static char KindOf(ReadOnlyMemory<byte> message) =>
        message.IsEmpty ? throw new FormatException("The stream has an empty message.") : (char)message.Span[0];

    private static PgOutputReader Fields(ReadOnlyMemory<byte> message) => new(message[1..]);

    private static StreamedTransaction ReadBegin(ReadOnlyMemory<byte> message)
    {
        var reader = Fields(message);
        return StreamedTransaction.Read(ref reader);
    }

    private static Lsn ReadCommitEnd(ReadOnlyMemory<byte> message)
    {
        var reader = Fields(message);
        _ = reader.ReadByte();
        _ = reader.ReadLsn();
        return reader.ReadLsn();
    }

    private static RelationMessage ReadRelation(ReadOnlyMemory<byte> message)
    {
        var reader = Fields(message);
        return RelationMessage.Read(ref reader);
    }

    private enum OldRow
    {
        None,
        Key,
        Whole,
    }

    private readonly record struct RowMessage(StreamedRelation Relation, ChangeKind Kind, OldRow Old)
    {
        public bool HasNew => Kind != ChangeKind.Delete;
    }
}
