using System.Buffers;
using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>An image says of which columns its JSON is that of several values.</summary>
public sealed class InexactValueTests : IAsyncLifetime
{
    private readonly RecordingBus _bus = new();
    private CaptureDatabase _database = null!;

    public async Task InitializeAsync() => _database = await CaptureDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Theory]
    [InlineData("int[]", "[0:1]={1,2}", true)]
    [InlineData("int[]", "{{1,2},{3,NULL}}", false)]
    [InlineData("jsonb[]", "{\"null\"}", true)]
    [InlineData("jsonb[]", "{NULL,\"[null]\"}", false)]
    [InlineData("jsonb", "null", false)]
    [InlineData("pair", "(null,)", true)]
    [InlineData("pair", "(,\"{1,2}\")", false)]
    [InlineData("pair", "(,\"[5:5]={1}\")", true)]
    [InlineData("pair[]", "{\"(null,)\"}", true)]
    [InlineData("text[]", "{\"null\",\"[0:1]={}\"}", false)]
    [InlineData("float8", "-0", true)]
    [InlineData("float4[]", "{1,-0}", true)]
    [InlineData("float8", "-0.5", false)]
    [InlineData("numeric", "-0", false)]
    public async Task An_image_names_columns_whose_json_another_value_shares(string type, string value, bool isInexact)
    {
        await _database.ExecuteAsync($"create type pair as (j jsonb, a int[]); create table t (id int primary key, v {type}, w int); alter table t replica identity full");
        await _database.StartAsync(_bus);

        await _database.ExecuteAsync($"insert into t values (1, '{value}', 1); update t set v = null; insert into t values (2, null, 2)");

        string[] expected = isInexact ? ["v"] : [];
        var insert = await _bus.NextAsync();
        insert.New!.Inexact.Should().Equal(expected);
        var update = await _bus.NextAsync();
        update.New!.Inexact.Should().BeEmpty();
        update.Old!.Inexact.Should().Equal(expected);
        (await _bus.NextAsync()).New!.Inexact.Should().BeEmpty();
        Reread(update).Old!.Inexact.Should().Equal(expected, "the bus carries it");
    }

    private static RowChange Reread(RowChange change)
    {
        var output = new ArrayBufferWriter<byte>();
        ChangeBatchJson.Write(output, new ChangeBatch("1-1-1", [change]));
        return ChangeBatchJson.Read(output.WrittenMemory).Changes[0];
    }
}
