using System.Text;
using Npgsql;
using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>
/// Held against PostgreSQL: the row JSON of every type, alone, in arrays of several shapes, in composites, composites in arrays and under domains,
/// is what <c>to_jsonb</c> makes of the row under the settings that docs/protocol.md names, on a database whose own are others.
/// </summary>
public sealed class RowJsonTests(RowJsonTests.Fixture fixture) : IClassFixture<RowJsonTests.Fixture>
{
    private const int Seed = 20260301;
    private const int RandomRows = 200;

    public static TheoryData<string> Types => [.. ValueSamples.All.Keys];

    [Theory]
    [MemberData(nameof(Types))]
    public async Task A_row_is_what_to_jsonb_makes_of_it(string type)
    {
        var random = new Random(Seed);
        var values = ValueSamples.All[type].Concat(Enumerable.Range(0, RandomRows).Select(_ => ValueSamples.AtRandom(type, random)).OfType<string>()).ToList();
        var table = await fixture.CreateTableAsync(type);

        await fixture.InsertAsync(table, type, values);
        var changes = await fixture.Bus.NextAsync(values.Count + 1);

        for (var i = 0; i < changes.Count; i++)
        {
            var json = RecordingBus.Text(changes[i].New!);
            var (ours, theirs) = await fixture.CompareAsync(table, i, json);
            ours.Should().Be(theirs, "row {0} of {1} was streamed as {2}", i, type, json);
        }
    }

    [Theory]
    [InlineData("int8", "9223372036854775807", "9223372036854775807")]
    [InlineData("numeric", "1.500", "1.500")]
    [InlineData("numeric", "123456789012345678901234567890.10", "123456789012345678901234567890.10")]
    [InlineData("float8", "-1.25e-10", "-0.000000000125")]
    [InlineData("float8", "1.5e20", "150000000000000000000")]
    [InlineData("float8", "-0", "0")]
    [InlineData("numeric", "NaN", "\"NaN\"")]
    [InlineData("timestamptz", "2026-03-01 12:00:00.5+02", "\"2026-03-01T10:00:00.5+00:00\"")]
    [InlineData("text", "ü/<\"\\\n", """
        "ü/<\"\\\n"
        """)]
    public async Task A_value_has_exactly_this_token(string type, string value, string token)
    {
        var table = await fixture.CreateTableAsync(type);

        await fixture.InsertAsync(table, type, [value]);
        var row = (await fixture.Bus.NextAsync(2))[0].New!;

        Encoding.UTF8.GetString(row.ValueOf(row.Relation.OrdinalOf("v"))).Should().Be(token);
    }

    [Fact]
    public async Task Arrays_under_domains_nest_where_postgres_nests_them()
    {
        await fixture.ExecuteAsync("create table nest (id int primary key, d small_array, a small_array[])");
        await fixture.ExecuteAsync("""insert into nest values (0, '{1,NULL,3}', '{"{1,2}",NULL,"{}"}'), (1, '{{1,2},{3,4}}', '{{"{{1},{2}}",NULL}}')""");

        var changes = await fixture.Bus.NextAsync(2);
        for (var id = 0; id < 2; id++)
        {
            var (ours, theirs) = await fixture.CompareAsync("nest", id, RecordingBus.Text(changes[id].New!));
            ours.Should().Be(theirs);
        }
    }

    [Fact]
    public async Task Json_may_nest_as_deep_as_postgres_lets_it()
    {
        await fixture.ExecuteAsync("create table deep (id int primary key, j jsonb, after int)");
        await fixture.ExecuteAsync("insert into deep values (0, (repeat('[', 3000) || repeat(']', 3000))::jsonb, 7)");

        var change = await fixture.Bus.NextAsync();
        var body = new System.Buffers.ArrayBufferWriter<byte>();
        ChangeBatchJson.Write(body, new ChangeBatch("e", [change]));
        var image = ChangeBatchJson.Read(body.WrittenMemory).Changes[0].New!;

        image.ValueOf(1).Length.Should().Be(6000);
        image.ValueOf(2).SequenceEqual("7"u8).Should().BeTrue();
    }

    [Fact]
    public async Task A_row_of_many_megabytes_arrives_whole()
    {
        await fixture.ExecuteAsync("create table large (id int primary key, t text, a text[])");
        await fixture.ExecuteAsync("""insert into large values (0, repeat('a"', 20000000), array_fill('b\'::text, array[1000000]))""");

        var image = (await fixture.Bus.NextAsync()).New!;

        image.ValueOf(1).Length.Should().Be(60_000_002);
        image.ValueOf(2).Length.Should().Be(6_000_001);
    }

    [Fact]
    public async Task A_type_is_named_as_pg_type_names_it()
    {
        var table = await fixture.CreateTableAsync("mood");
        await fixture.InsertAsync(table, "mood", ["glad"]);

        var relation = (await fixture.Bus.NextAsync(2))[0].Relation;

        relation.Columns.Select(column => column.TypeName)
            .Should().Equal("int4", "mood", "_mood", "_mood", "_mood", table + "_c", "_" + table + "_c", table + "_d");
    }

    /// <summary>One database with one capture; each test has a table of its own in it.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        private CaptureDatabase _database = null!;
        private int _tables;

        internal RecordingBus Bus { get; } = new();

        public async Task InitializeAsync()
        {
            _database = await CaptureDatabase.CreateAsync();
            await _database.ExecuteAsync(ValueSamples.Definitions);
            await _database.ExecuteAsync($"alter database {_database.Database.Name} set timezone = 'Asia/Kathmandu'");
            await _database.ExecuteAsync($"alter database {_database.Database.Name} set datestyle = 'SQL, DMY'");
            await _database.ExecuteAsync($"alter database {_database.Database.Name} set bytea_output = 'escape'");
            await _database.ExecuteAsync($"alter database {_database.Database.Name} set intervalstyle = 'sql_standard'");
            await _database.ExecuteAsync($"alter database {_database.Database.Name} set extra_float_digits = -3");
            await _database.StartAsync(Bus);
        }

        public Task DisposeAsync() => _database.DisposeAsync().AsTask();

        internal Task ExecuteAsync(string sql) => _database.ExecuteAsync(sql);

        internal async Task<string> CreateTableAsync(string type)
        {
            var table = $"t{++_tables}";
            await _database.ExecuteAsync($"""
                create type {table}_c as (v {type}, "odd, ""name" text, w {type}[]);
                create domain {table}_d as {type};
                create table {table} (id int primary key, v {type}, a {type}[], m {type}[][], b {type}[], c {table}_c, ca {table}_c[], d {table}_d)
                """);
            return table;
        }

        /// <summary>Inserts the values, each in all its settings, and a row of nulls after them.</summary>
        internal async Task InsertAsync(string table, string type, IReadOnlyList<string> values)
        {
            await using var connection = await _database.Database.DataSource.OpenConnectionAsync();
            await using var settings = new NpgsqlCommand("set timezone = utc; set datestyle = iso; begin", connection);
            await settings.ExecuteNonQueryAsync();
            for (var i = 0; i < values.Count; i++)
            {
                await using var command = new NpgsqlCommand(
                    $"""
                    insert into {table} select $1, v, array[v, null, w], array[[v, w], [null, v]], array_fill(w, array[2, 1], array[-1, 4]),
                      row(v, $4, array[v, w])::{table}_c, array[row(v, 'a', '{"{}"}')::{table}_c, null, row(null, $4, array[w, null])::{table}_c], v::{table}_d
                    from (select $2::text::{type}, $3::text::{type}) as s (v, w)
                    """,
                    connection);
                command.Parameters.AddWithValue(i);
                command.Parameters.AddWithValue(values[i]);
                command.Parameters.AddWithValue(values[(i + 1) % values.Count]);
                command.Parameters.AddWithValue("q\"\\,(){}");
                await command.ExecuteNonQueryAsync();
            }

            await using var nulls = new NpgsqlCommand($"insert into {table} values ({values.Count}); commit", connection);
            await nulls.ExecuteNonQueryAsync();
        }

        /// <summary>The streamed JSON and the row itself, as PostgreSQL prints either as jsonb.</summary>
        internal async Task<(string Ours, string Theirs)> CompareAsync(string table, int id, string json)
        {
            await using var connection = await _database.Database.DataSource.OpenConnectionAsync();
            await using var settings = new NpgsqlCommand("set timezone = utc; set datestyle = iso; set intervalstyle = postgres; set bytea_output = hex; set extra_float_digits = 1", connection);
            await settings.ExecuteNonQueryAsync();
            await using var command = new NpgsqlCommand($"select $1::text::jsonb::text, to_jsonb(t)::text from {table} t where id = $2", connection);
            command.Parameters.AddWithValue(json);
            command.Parameters.AddWithValue(id);
            await using var reader = await command.ExecuteReaderAsync();
            (await reader.ReadAsync()).Should().BeTrue();
            return (reader.GetString(0), reader.GetString(1));
        }
    }
}
