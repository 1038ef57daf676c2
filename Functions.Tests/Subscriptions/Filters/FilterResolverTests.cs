namespace Serverless.Subscriptions.Filters;

public sealed class FilterResolverTests(FilterResolverTests.Things things) : IClassFixture<FilterResolverTests.Things>
{
    private readonly FilterDatabase _database = things.Database;

    [Theory]
    [InlineData("size=eq.1", "has no column 'size'")]
    [InlineData("Name=eq.1", "Names are case-sensitive")]
    [InlineData("twice=eq.2", "is generated")]
    [InlineData("id=eq.x", "'x' is not a value of type integer")]
    [InlineData("id=in.(1,x)", "'x' is not a value of type integer")]
    [InlineData("id=gt.9999999999", "not a value of type integer")]
    [InlineData("id=like.1%", "patterns are for text, and column 'id' is of type integer")]
    [InlineData("raw=match.a", "patterns are for text")]
    [InlineData("name=is.true", "'is.true' is for boolean columns")]
    [InlineData("name=like.a\\", "must not end with its escape character")]
    [InlineData("name=match.(", "invalid regular expression")]
    [InlineData("name=imatch.\"a{2,1}\"", "invalid regular expression")]
    [InlineData("name=match.((((((a{1,99}){1,99}){1,99}){1,99}){1,99}){1,99})", "too")]
    [InlineData("name=eq.a\0b", "not a value of type text")]
    [InlineData("name=match.a\0b", "NUL")]
    [InlineData("payload=eq.1", "type json has no such operator")]
    [InlineData("spot=eq.\"(1,2)\"", "type point has no such operator")]
    [InlineData("spot=lt.\"(1,2)\"", "type point has no such operator")]
    [InlineData("loose=like.a%", "nondeterministic collations are not supported")]
    [InlineData("or=(id.eq.1,and(name.eq.a,price.gt.much))", "'much' is not a value of type numeric")]
    public async Task A_condition_that_cannot_hold_is_refused_by_name(string filter, string message)
    {
        var refused = await FluentActions.Awaiting(() => _database.ResolveAsync("things", filter)).Should().ThrowAsync<SubscriptionException>();
        refused.Which.Code.Should().Be("InvalidFilter");
        refused.Which.Message.Should().Match($"Condition '*': *{message}*");
    }

    [Theory]
    [InlineData("id=eq.1", true)]
    [InlineData("name=eq.a", true)]
    [InlineData("name=gt.a", false)]
    [InlineData("code=gt.a", true)]
    [InlineData("name=like.a%", true)]
    [InlineData("name=ilike.a%", false)]
    [InlineData("loose=eq.a", false)]
    [InlineData("tag=eq.a", false)]
    [InlineData("tag=like.a%", false)]
    [InlineData("odd=eq.a", true)]
    [InlineData("odd=gt.a", false)]
    [InlineData("pair=is.null", false)]
    [InlineData("fake=eq.\"(1)\"", false)]
    [InlineData("payload=is.null", true)]
    [InlineData("at=gt.2026-01-01", true)]
    [InlineData("done=is.unknown", true)]
    public async Task Memory_decides_only_what_it_compares_as_postgres_does(string filter, bool isInMemory) =>
        (await _database.ResolveAsync("things", filter)).IsInMemory.Should().Be(isInMemory);

    [Theory]
    [InlineData("id=eq.1,name=eq.a", " name=eq.a , id=eq.01")]
    [InlineData("or=(id.eq.1,name.eq.a)", "or=(name.eq.a,id.eq.1,id.eq.1)")]
    [InlineData("id=in.(1,2,2)", "id=in.(2, 1)")]
    [InlineData("price=eq.1", "price=eq.1.00")]
    [InlineData("price=lt.1", "price=not.gte.1.0")]
    [InlineData("id=neq.1", "id=not.eq.1")]
    [InlineData("id=not.in.(1,2)", "not.or=(id.in.(2,1))")]
    [InlineData("at=eq.2026-01-01T10:00:00Z", "at=eq.\"2026-01-01 12:00+02\"")]
    [InlineData("not.or=(id.eq.1,name.is.null)", "name=not.is.null,id=neq.1")]
    [InlineData("and=(and(id.eq.1),or(name.eq.a))", "id=eq.1,name=eq.a")]
    [InlineData("name=ilike.a,id=eq.1", "id=eq.1,name=ilike.a")]
    public async Task The_same_filter_is_the_same_json(string left, string right)
    {
        var (one, other) = (await _database.ResolveAsync("things", left), await _database.ResolveAsync("things", right));
        one.ToJson().Should().Be(other.ToJson());
        FilterNode.FromJson(one.ToJson()).ToJson().Should().Be(one.ToJson());
        one.Compile().Text.Should().Be(other.Compile().Text);
    }

    [Theory]
    [InlineData("id=eq.1", "id=eq.2")]
    [InlineData("name=eq.a", "code=eq.a")]
    [InlineData("name=in.(\"a,b\")", "name=in.(a,b)")]
    [InlineData("name=in.(\"a\\\",\\\"b\")", "name=in.(a,b)")]
    [InlineData("or=(id.eq.1,name.eq.a)", "and=(id.eq.1,name.eq.a)")]
    [InlineData("id=in.()", "id=not.in.()")]
    [InlineData("name=isdistinct.a", "name=neq.a")]
    [InlineData("name=like.a", "name=ilike.a")]
    [InlineData("done=is.true", "done=eq.true")]
    public async Task Different_filters_differ_in_json_and_in_text(string left, string right)
    {
        var (one, other) = (await _database.ResolveAsync("things", left), await _database.ResolveAsync("things", right));
        one.ToJson().Should().NotBe(other.ToJson());
        one.Compile().Text.Should().NotBe(other.Compile().Text);
    }

    [Fact]
    public async Task Two_bounds_on_a_column_make_one_range()
    {
        (await _database.ResolveAsync("things", "price=gte.1,price=lt.5,name=like.a%")).Compile().Keys
            .Should().ContainSingle().Which.Should().Match<RangeKey>(key => key.Low!.IsInclusive && !key.High!.IsInclusive);
        (await _database.ResolveAsync("things", "price=gt.5,price=lt.1")).Compile().Keys.Should().BeEmpty("no row can be both");
        (await _database.ResolveAsync("things", "price=gt.5,id=eq.1")).Compile().Keys.Should().ContainSingle().Which.Should().BeOfType<EqualKey>();
        (await _database.ResolveAsync("things", "or=(id.eq.1,price.gt.5)")).Compile().Keys.Should().HaveCount(2);
        (await _database.ResolveAsync("things", "or=(id.eq.1,name.like.a)")).Compile().Keys.Should().BeNull();
    }

    [Fact]
    public async Task A_column_that_the_role_may_not_read_or_the_publication_leaves_out_is_refused()
    {
        var role = "r_" + Guid.NewGuid().ToString("N")[..12];
        await _database.ExecuteAsync($"create role {role}; grant select (id) on things to {role}; create publication part for table things (id, code)");
        try
        {
            (await _database.ResolveAsync("things", "id=eq.1", role)).Columns.Should().Equal("id");
            await FluentActions.Awaiting(() => _database.ResolveAsync("things", "name=eq.a", role))
                .Should().ThrowAsync<SubscriptionException>().WithMessage("*may not read column 'name'*grant select (\"name\")*");

            var table = await _database.DescribeAsync("things", publication: "part");
            table.Columns.Where(column => column.IsStreamed).Select(column => column.Name).Should().Equal("id", "code");
            await using var connection = await _database.DataSource.OpenConnectionAsync();
            await FluentActions.Awaiting(() => FilterResolver.ResolveAsync(connection, table, FilterParser.Parse("name=eq.a"), null, CancellationToken.None))
                .Should().ThrowAsync<SubscriptionException>().WithMessage("*column list*");
        }
        finally
        {
            await _database.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }

    public sealed class Things : IAsyncLifetime
    {
        internal FilterDatabase Database { get; private set; } = null!;

        public async Task InitializeAsync() => Database = await FilterDatabase.CreateAsync(
            """
            create extension citext;
            create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            create type "Odd ""type" as enum ('a');
            create type numeric_pair as (a int, b int);
            create type public."time" as (a int);
            create table things (
              id int primary key, name text, code text collate "C", price numeric, done boolean, at timestamptz, payload json, spot point, raw bytea,
              loose text collate loose, tag citext, odd "Odd ""type", pair numeric_pair, fake public."time", twice int generated always as (id * 2) stored);
            """);

        public async Task DisposeAsync() => await Database.DisposeAsync();
    }
}
