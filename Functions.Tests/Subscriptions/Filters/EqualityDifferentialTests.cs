using System.Text;
using Npgsql;
using Serverless.Changes;
using Serverless.Support;

namespace Serverless.Subscriptions.Filters;

/// <summary>Holds equality in memory against PostgreSQL's <c>=</c>: for each type, every pair of values.</summary>
public sealed class EqualityDifferentialTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public static TheoryData<string, string, string[]> Types => new()
    {
        { "bool", "boolean", ["t", "true", "f", "0", "yes"] },
        { "int2", "smallint", ["0", "-0", "07", " 7 ", "32767", "-32768"] },
        { "int4", "integer", ["0", "7", "+7", "0007", "2147483647", "-2147483648"] },
        { "int8", "bigint", ["0", "9007199254740993", "9007199254740992", "-9223372036854775808", "+5", "5"] },
        { "numeric", "numeric", ["1", "1.0", "1.000", "0", "0.00", "-0", "1e2", "100", "100.0", "0.1", ".1", "NaN", "nan", "Infinity", "-Infinity", "12345678901234567890.12345", "10", "1"] },
        { "float4", "real", ["0.1", "0.10000000149", "1e10", "10000000000", "NaN", "-0", "0", "Infinity", "1e-30", "16777217", "16777216"] },
        { "float8", "double precision", ["0.1", "0.10", "1e300", "1e-7", "0.0000001", "NaN", "nan", "-0", "0", "Infinity", "123456789012345678", "100", "1e2"] },
        { "text", "text", ["", " ", "a", "A", "a ", "ä", "\"", "\\", "\n", "\u0001", "null", "1", "\u2028", "😀", "</script>", "e\u0301", "é"] },
        { "varchar", "varchar", ["", "a", "a ", "ä"] },
        { "bpchar", "bpchar", ["", " ", "a", "a ", "a  ", " a", "\"", "a\""] },
        { "name", "name", ["a", "A", "ä"] },
        { "uuid", "uuid", ["7d3c1a52-0000-4000-8000-00000000000a", "7D3C1A52-0000-4000-8000-00000000000A", "{7d3c1a52000040008000-00000000000a}", "7d3c1a52-0000-4000-8000-00000000000b"] },
        { "bytea", "bytea", ["", "\\x00", "\\x0a", "\\x0A", "abc", "\\x616263"] },
        { "date", "date", ["2026-01-01", "January 1, 2026", "0044-03-15 BC", "infinity", "-infinity", "2026-1-1"] },
        { "time", "time", ["10:00", "10:00:00.000", "10:00:00.000001", "24:00", "00:00"] },
        { "timestamp", "timestamp", ["2026-01-01", "2026-01-01 00:00:00.000", "2026-01-01T00:00:00.000001", "infinity", "0044-03-15 10:00 BC"] },
        { "timestamptz", "timestamptz", ["2026-01-01 10:00+00", "2026-01-01 12:00+02", "2026-01-01 10:00:00.5Z", "infinity", "2026-01-01 10:00"] },
        { "oid", "oid", ["0", "7", "4294967295"] },
        { "mood", "mood", ["sad", "ok"] },
    };

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.ExecuteAsync("create type mood as enum ('sad', 'ok')");
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Equal_in_memory_is_equal_in_postgres(string typeName, string type, string[] values)
    {
        await using var connection = await OpenAsync();
        var column = new ColumnDescription("c", type, typeName, typeName == "mood", IsKey: false, IsGenerated: false, IsToastable: false, HasPlainCollation: true);
        var rule = EqualityRules.For(column.BaseTypeName, column.IsEnum)!.Value;
        foreach (var literal in values)
        {
            var token = rule.Normalize((await LiteralReader.ReadTokensAsync(connection, column, [literal], CancellationToken.None))[0]).ToArray();
            var condition = new Equality("c", rule, [token]);
            foreach (var stored in values)
            {
                var (expected, json) = await AskAsync(connection, type, literal, stored);
                (condition.Evaluate(Image(json)) == Truth.True).Should().Be(expected, "{0} literal '{1}' and stored '{2}'", type, literal, stored);
            }

            condition.Evaluate(Image("null")).Should().Be(Truth.Unknown, "null is equal to nothing");
        }
    }

    [Theory]
    [InlineData("int4", "integer", "x")]
    [InlineData("int4", "integer", "99999999999")]
    [InlineData("uuid", "uuid", "7d3c")]
    [InlineData("timestamptz", "timestamptz", "yesterday-ish")]
    [InlineData("text", "text", "a\0b")]
    [InlineData("mood", "mood", "glad")]
    public async Task A_text_that_is_no_value_of_the_type_is_none(string typeName, string type, string literal)
    {
        await using var connection = await OpenAsync();
        var column = new ColumnDescription("c", type, typeName, typeName == "mood", false, false, false, true);
        (await LiteralReader.ReadTokensAsync(connection, column, [literal], CancellationToken.None)).Should().BeEmpty();
    }

    [Fact]
    public void Types_whose_equality_is_not_that_of_their_text_are_left_to_postgres()
    {
        foreach (var type in new[] { "interval", "jsonb", "json", "numrange", "inet", "_int4", "timetz", "citext", "point" })
        {
            EqualityRules.For(type, isEnum: false).Should().BeNull();
        }
    }

    private static async Task<(bool Equal, string Json)> AskAsync(NpgsqlConnection connection, string type, string literal, string stored)
    {
        await using var command = new NpgsqlCommand($"select $1::text::{type} = $2::text::{type}, to_jsonb($2::text::{type})::text", connection)
        {
            Parameters = { new() { Value = literal }, new() { Value = stored } },
        };
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetBoolean(0), reader.GetString(1));
    }

    // Capture's own encoding of strings; the capture tests hold it equal to to_jsonb.
    private static RowImage Image(string json)
    {
        var relation = new Relation(1, "public", "t", ReplicaIdentity.Full, [new Column("c", 1, "x", false)], []);
        var token = json.StartsWith('"') ? JsonText.Encode(System.Text.Json.JsonSerializer.Deserialize<string>(json)!) : Encoding.UTF8.GetBytes(json);
        return new RowImage(relation, Encoding.UTF8.GetBytes("{\"c\":").Concat(token).Append((byte)'}').ToArray());
    }

    private Task<NpgsqlConnection> OpenAsync() => NpgsqlDataSource
        .Create(new NpgsqlConnectionStringBuilder(_database.ConnectionString) { Timezone = "UTC", Pooling = false }.ConnectionString)
        .OpenConnectionAsync().AsTask();
}
