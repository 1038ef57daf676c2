using System.Buffers.Binary;
using System.Text;
using Npgsql;
using Serverless.Capture.PgOutput;
using Serverless.Capture.Values;

namespace Serverless.Capture;

/// <summary>Streams that cannot be: each is refused with what was found, before anything is read past a message's end.</summary>
public sealed class PgOutputReaderTests
{
    private static readonly byte[] _begin = [(byte)'B', .. new byte[20]];

    [Theory]
    [InlineData("", "*empty message*")]
    [InlineData("X", "*kind 'X'*")]
    [InlineData("B", "*8 more at byte 0*")]
    [InlineData("C", "*1 more at byte 0*")]
    [InlineData("R\0\0\0\u0001public", "*1 more at byte 4*")]
    [InlineData("R\0\0\0\u0001public\0t\0z", "*replica identity 'z'*d, n, f, i*")]
    [InlineData("I\0\0\0\u0009N", "*relation 9*not described before*")]
    [InlineData("T\0\0\0\u0001\0\0\0\0\u0009", "*outside of a transaction*")]
    public async Task A_message_that_cannot_be_is_refused(string message, string error)
    {
        await using var connection = new NpgsqlConnection();

        await Decoder(connection).Awaiting(decoder => decoder.DecodeAsync(Encoding.Latin1.GetBytes(message), [], CancellationToken.None).AsTask())
            .Should().ThrowAsync<FormatException>().WithMessage(error);
    }

    [Fact]
    public void A_value_longer_than_its_message_is_refused()
    {
        byte[] tuple = [0, 1, (byte)'t', 0x7f, 0xff, 0xff, 0xff, (byte)'a'];

        FluentActions.Invoking(() => Read(tuple, columns: 1)).Should().Throw<FormatException>().WithMessage("*2147483647 more at byte 7*");
    }

    [Fact]
    public void A_row_of_another_width_than_its_table_is_refused() =>
        FluentActions.Invoking(() => Read([0, 2, (byte)'n', (byte)'n'], columns: 1)).Should().Throw<FormatException>().WithMessage("*2 columns*announced 1*");

    [Fact]
    public void A_binary_value_is_refused() =>
        FluentActions.Invoking(() => Read([0, 1, (byte)'b', 0, 0, 0, 0], columns: 1)).Should().Throw<FormatException>().WithMessage("*kind 'b'*");

    [Fact]
    public async Task A_transaction_is_known_from_its_begin_to_its_commit()
    {
        await using var connection = new NpgsqlConnection();
        var decoder = Decoder(connection);
        var begin = _begin.ToArray();
        BinaryPrimitives.WriteUInt64BigEndian(begin.AsSpan(1), 0x16_0000_0001);
        BinaryPrimitives.WriteInt64BigEndian(begin.AsSpan(9), 86_400_000_001);
        BinaryPrimitives.WriteUInt32BigEndian(begin.AsSpan(17), uint.MaxValue);
        byte[] commit = [(byte)'C', .. new byte[25]];
        BinaryPrimitives.WriteUInt64BigEndian(commit.AsSpan(10), 0x16_0000_0031);

        await decoder.DecodeAsync(begin, [], CancellationToken.None);
        var transaction = decoder.Transaction!;
        await decoder.DecodeAsync(commit, [], CancellationToken.None);

        transaction.Commit.ToString().Should().Be("16/1");
        transaction.CommittedAt.Should().Be(new DateTime(2000, 1, 2, 0, 0, 0, DateTimeKind.Utc).AddMicroseconds(1));
        transaction.Xid.Should().Be(uint.MaxValue);
        decoder.Transaction.Should().BeNull();
        decoder.LastCommitEnd.ToString().Should().Be("16/31");
    }

    private static ChangeDecoder Decoder(NpgsqlConnection connection)
    {
        var types = new TypeCatalog(connection);
        return new ChangeDecoder(new RelationCatalog(connection, types, partitionCount: 1), types);
    }

    private static void Read(byte[] tuple, int columns)
    {
        var reader = new PgOutputReader(tuple);
        new TupleData().Read(ref reader, columns);
    }
}
