using System.Text;
using System.Text.Json;
using Npgsql;
using Serverless.Changes;
using Xunit.Abstractions;

namespace Serverless.Subscriptions.Filters;

/// <summary>
/// Holds filters against PostgreSQL: random rows of every kind of column, random filters, and for each the verdict of plain SQL on the stored row beside the verdict
/// in memory, the verdict when asked, and the promise of the index keys. <c>REALTIME_TEST_FULL=1</c> runs many more.
/// </summary>
public sealed class FilterDifferentialTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Rows = 60;
    private static readonly bool _full = Environment.GetEnvironmentVariable("REALTIME_TEST_FULL") == "1";

    private FilterDatabase _database = null!;
    private TableDescription _table = null!;
    private Relation _relation = null!;
    private List<RowImage> _images = null!;

    public async Task InitializeAsync()
    {
        _database = await FilterDatabase.CreateAsync(FilterSamples.Types);
        await _database.ExecuteAsync($"create table samples (id int primary key, {string.Join(", ", FilterSamples.Columns.Select(column => $"{SqlName.Of(column.Name)} {column.Type}"))})");
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Single_conditions_are_decided_as_postgres_decides_them(int seed)
    {
        var random = new Random(seed);
        await using var connection = await FillAsync(random);
        var sampler = new FilterSampler(random);
        var tally = new Tally();
        for (var i = 0; i < (_full ? 400 : 12); i++)
        {
            foreach (var column in FilterSamples.Columns.Where(column => !column.Name.Contains(',', StringComparison.Ordinal)))
            {
                await CompareAsync(connection, sampler.Condition(column), tally);
            }
        }

        output.WriteLine(tally.ToString());
        tally.Mismatches.Should().BeEmpty();
        tally.InMemory.Should().BeGreaterThan(tally.Asked);
        tally.Asked.Should().BeGreaterThan(0);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Trees_are_decided_as_postgres_decides_them(int seed)
    {
        var random = new Random(seed);
        await using var connection = await FillAsync(random);
        var sampler = new FilterSampler(random);
        var tally = new Tally();
        for (var i = 0; i < (_full ? 10_000 : 400); i++)
        {
            await CompareAsync(connection, sampler.Tree(), tally);
        }

        output.WriteLine(tally.ToString());
        tally.Mismatches.Should().BeEmpty();
        tally.Filters.Should().BeGreaterThan(50);
    }

    [Fact]
    public async Task A_wrong_order_or_rule_would_be_found()
    {
        await using var connection = await FillAsync(new Random(5));
        foreach (var (column, wrong) in new (string, Func<string, FilterNode>)[]
        {
            ("t_icu", token => new OrderNode("t_icu", "pg_catalog.text", ValueOrder.Bytes, FilterOperator.Less, token)),
            ("t_loose", token => new EqualNode("t_loose", "pg_catalog.text", EqualityRule.SameToken, [token])),
            ("t_c", token => new OrderNode("t_c", "pg_catalog.text", ValueOrder.Bytes, FilterOperator.LessOrEqual, token)),
        })
        {
            var operatorName = column == "t_loose" ? "=" : "<";
            var tally = new Tally();
            foreach (var value in new[] { "a", "A", "b", "ä", "Ä" })
            {
                var sampled = new SampledFilter("planted", $"({column} {operatorName} {FilterSampler.Literal(value)})");
                await CompareAsync(connection, sampled, wrong(Encoding.UTF8.GetString(JsonText.Encode(value))), tally);
            }

            tally.Mismatches.Should().NotBeEmpty("the planted error on {0} must be seen", column);
        }
    }

    private async Task CompareAsync(NpgsqlConnection connection, SampledFilter sampled, Tally tally)
    {
        FilterNode node;
        try
        {
            node = await FilterResolver.ResolveAsync(connection, _table, FilterParser.Parse(sampled.Filter), role: null, CancellationToken.None);
        }
        catch (SubscriptionException ex)
        {
            tally.Refused++;
            if (await ExpectedAsync(connection, sampled.Sql) is not null && !IsStricterOnPurpose(ex.Message))
            {
                tally.Mismatches.Add($"{sampled.Filter} is refused ({ex.Message}) and is good SQL: {sampled.Sql}");
            }

            return;
        }

        var reread = FilterNode.FromJson(node.ToJson());
        reread.ToJson().Should().Be(node.ToJson());
        reread.Compile().Text.Should().Be(node.Compile().Text);
        FilterNode.Not(FilterNode.Not(node)).ToSql().Length.Should().BeGreaterThan(0);
        await CompareAsync(connection, sampled, reread, tally);
    }

    private async Task CompareAsync(NpgsqlConnection connection, SampledFilter sampled, FilterNode node, Tally tally)
    {
        tally.Filters++;
        if (await ExpectedAsync(connection, sampled.Sql) is not { } expected)
        {
            tally.Mismatches.Add($"{sampled.Filter} is accepted, and PostgreSQL refuses {sampled.Sql}");
            return;
        }

        var predicate = node.Compile();
        var asked = node.Columns.Count == 0 ? null : await FilterQuestions.AskAsync(
            connection, _relation, [FilterQuestion.About(node, _images)], TimeSpan.FromSeconds(20), CancellationToken.None);
        for (var i = 0; i < _images.Count; i++)
        {
            var truth = predicate.Evaluate(_images[i]);
            var mayNotKnow = node.Conditions.Any(condition => condition.IsUnclearOfNull && _images[i].ValueOf(_relation.OrdinalOf(condition.Column)).SequenceEqual("null"u8));
            if (truth == Truth.Ask ? node.IsInMemory : truth != FromSql(expected[i]) && !(mayNotKnow && truth == Truth.Unknown))
            {
                tally.Mismatches.Add($"{sampled.Filter} on row {i}: {truth} in memory, {FromSql(expected[i])} by {sampled.Sql}");
            }

            if (asked is not null && asked[0].Verdicts[i] != (expected[i] == true) && !(mayNotKnow && asked[0].Verdicts[i] == false))
            {
                tally.Mismatches.Add($"{sampled.Filter} on row {i}: {asked[0].Verdicts[i]} when asked ({asked[0].SqlState}), {expected[i]} by {sampled.Sql}");
            }

            if (truth is Truth.True or Truth.Ask && expected[i] == true && !mayNotKnow && predicate.Keys is { } keys && !keys.Any(key => Fits(key, _images[i])))
            {
                tally.Mismatches.Add($"{sampled.Filter} on row {i}: no key fits");
            }

            _ = truth == Truth.Ask ? tally.Asked++ : tally.InMemory++;
        }
    }

    private static bool Fits(IndexKey key, RowImage image)
    {
        var token = image.ValueOf(image.Relation.OrdinalOf(key.Column));
        return key switch
        {
            EqualKey equal => equal.Rule.Normalize(token).SequenceEqual(equal.Token),
            RangeKey range => ValueKey.TryRead(range.Order, token, out var value)
                && (range.Low is not { } low || value > low.Value || (low.IsInclusive && value == low.Value))
                && (range.High is not { } high || value < high.Value || (high.IsInclusive && value == high.Value)),
            _ => false,
        };
    }

    // Patterns on what is not text (bytea has LIKE, geometry has "~"), and patterns that PostgreSQL refuses only when a row gets it that far.
    private static bool IsStricterOnPurpose(string message) =>
        new[] { "patterns are for text", "escape character", "invalid regular expression", "nondeterministic collations" }.Any(reason => message.Contains(reason, StringComparison.Ordinal));

    private static Truth FromSql(bool? value) => value switch { true => Truth.True, false => Truth.False, null => Truth.Unknown };

    private static async Task<List<bool?>?> ExpectedAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand($"select {sql} from samples order by id", connection);
        try
        {
            var values = new List<bool?>();
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                values.Add(reader.IsDBNull(0) ? null : reader.GetBoolean(0));
            }

            return values;
        }
        catch (PostgresException)
        {
            return null;
        }
    }

    private async Task<NpgsqlConnection> FillAsync(Random random)
    {
        var connection = await _database.DataSource.OpenConnectionAsync();
        for (var id = 0; id < Rows; id++)
        {
            var values = FilterSamples.Columns.Select(column => random.Next(8) == 0 ? "null" : FilterSampler.Literal(column.Value(random)));
            await _database.ExecuteAsync($"insert into samples values ({id}, {string.Join(", ", values)})");
        }

        _table = await _database.DescribeAsync("samples");
        _relation = await _database.RelationAsync("samples");
        _images = [];
        await using var command = new NpgsqlCommand("select to_jsonb(s)::text from samples s order by id", connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            _images.Add(new RowImage(_relation, Recode(reader.GetString(0))));
        }

        return connection;
    }

    // Capture's own encoding of strings; the capture tests hold it equal to to_jsonb.
    private static byte[] Recode(string json)
    {
        using var document = JsonDocument.Parse(json);
        var members = document.RootElement.EnumerateObject().Select(member =>
            Encoding.UTF8.GetString(JsonText.Encode(member.Name)) + ":"
            + (member.Value.ValueKind == JsonValueKind.String ? Encoding.UTF8.GetString(JsonText.Encode(member.Value.GetString()!)) : member.Value.GetRawText()));
        return Encoding.UTF8.GetBytes("{" + string.Join(',', members) + "}");
    }

    private sealed class Tally
    {
        public int Filters { get; set; }

        public int Refused { get; set; }

        public int InMemory { get; set; }

        public int Asked { get; set; }

        public List<string> Mismatches { get; } = [];

        public override string ToString() => $"{Filters} filters, {Refused} refused, {InMemory} verdicts in memory, {Asked} asked, {Mismatches.Count} mismatches";
    }
}
