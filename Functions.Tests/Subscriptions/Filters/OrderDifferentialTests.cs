using System.Text;
using System.Text.Json;
using Npgsql;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>Holds the orders in memory against PostgreSQL's: for each type, every pair of some values, neighbours at the borders among them.</summary>
public sealed class OrderDifferentialTests(OrderDifferentialTests.Server server) : IClassFixture<OrderDifferentialTests.Server>
{
    private static readonly Dictionary<string, string[]> _borders = new()
    {
        ["num"] =
        [
            "0.1", "0.10", "0.01", "0.011", "-0.1", "-0.11", "9.999999999999", "9.9999999999999", "9.99999999999999", "10", "1234567890123", "1234567890123.1", "1234567890123.12", "1234567890124",
            "12345678901234567890", "12345678901234567891", "-12345678901234567890", "-12345678901234567891", "-12345678901234567890.1", "1e131071", "2e131071", "1e-16383", "-1e-16383", "1e20", "10e19", "1.0000000000000000000001e20",
        ],
        ["i8"] = ["9223372036854775807", "9223372036854775806", "-9223372036854775808", "-9223372036854775807", "-1", "0", "10", "9"],
        ["f4"] = ["1.1", "1.1000001", "-1.1", "-1.1000001", "1e-45", "-1e-45", "3.4028235e38"],
        ["f8"] = ["1.1", "1.1000000000000003", "5e-324", "-5e-324", "1.7976931348623157e308", "-1.7976931348623157e308", "9007199254740993", "9007199254740994"],
        ["d"] = ["1999-12-31", "2000-01-01", "2000-02-29", "2000-03-01", "1900-02-28", "1900-03-01", "0001-01-01 BC", "0001-01-01", "0005-02-29 BC", "0005-02-28 BC", "0005-03-01 BC", "0100-03-01 BC", "0101-03-01 BC"],
        ["ts"] = ["294276-12-31 23:59:59.999999", "294276-12-31 23:59:59.999998", "4713-11-24 00:00 BC", "1999-12-31 23:59:59.999999", "2000-01-01", "2000-01-01 00:00:00.1", "2000-01-01 00:00:00.09", "0001-12-31 23:59 BC"],
        ["tstz"] = ["2000-01-01 00:00+00", "2000-01-01 00:30+01", "2000-01-01 00:00:00.000001+00", "0044-03-15 10:00+00 BC", "0044-03-15 10:00:01+00 BC"],
        ["ti"] = ["00:00:00.1", "00:00:00.09", "00:00:00.000001", "23:59:60"],
        ["by"] = ["\\x", "\\x00", "\\x0000", "\\x01", "\\x7f", "\\x80", "\\xff00"],
        ["t_c"] = ["a\n", "a\\", "a]", "a[", "a\"", "a!", "a#", "\uFFFD", "😀", "\uE000", "a\u007f", "a\u0080"],
    };

    [Fact]
    public async Task Every_pair_is_in_the_order_of_postgres()
    {
        var random = new Random(6);
        var table = await server.Database.DescribeAsync("samples");
        var compared = 0;
        foreach (var column in FilterSamples.Columns)
        {
            if (ValueOrders.For(table.Columns.Single(described => described.Name == column.Name)) is { } order)
            {
                var values = Enumerable.Range(0, 60).Select(_ => column.Value(random)).Concat(_borders.GetValueOrDefault(column.Name, [])).Distinct().ToArray();
                compared += await CompareAsync(column, order, values);
            }
        }

        compared.Should().BeGreaterThan(10_000);
    }

    private async Task<int> CompareAsync(SampleColumn column, ValueOrder order, string[] values)
    {
        var type = column.Type.Split(" collate ")[0];
        var collate = column.Type.Contains(" collate ", StringComparison.Ordinal) ? "collate \"C\"" : "";
        await using var command = server.Database.DataSource.CreateCommand(
            $"""
            with v as materialized (select t::{type} as v, to_jsonb(t::{type})::text as j from unnest($1) as t)
            select a.j, b.j, case when a.v {collate} < b.v then -1 when a.v {collate} > b.v then 1 else 0 end from v a, v b
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = values });
        await using var reader = await command.ExecuteReaderAsync();
        var count = 0;
        while (await reader.ReadAsync())
        {
            var (left, right) = (Read(order, reader.GetString(0)), Read(order, reader.GetString(1)));
            Math.Sign(left.CompareTo(right)).Should().Be(reader.GetInt32(2), "{0}: {1} beside {2}", column.Name, reader.GetString(0), reader.GetString(1));
            (left == right).Should().Be(left.CompareTo(right) == 0);
            if (left == right)
            {
                left.GetHashCode().Should().Be(right.GetHashCode());
            }

            count++;
        }

        return count;
    }

    private static ValueKey Read(ValueOrder order, string json)
    {
        var token = json.StartsWith('"') ? JsonText.Encode(JsonSerializer.Deserialize<string>(json)!) : Encoding.UTF8.GetBytes(json);
        ValueKey.TryRead(order, token, out var key).Should().BeTrue("{0} is of order {1}", json, order);
        return key;
    }

    public sealed class Server : IAsyncLifetime
    {
        internal FilterDatabase Database { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Database = await FilterDatabase.CreateAsync(FilterSamples.Types);
            await Database.ExecuteAsync($"create table samples (id int primary key, {string.Join(", ", FilterSamples.Columns.Select(column => $"{SqlName.Of(column.Name)} {column.Type}"))})");
        }

        public async Task DisposeAsync() => await Database.DisposeAsync();
    }
}
