using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Policies;

/// <summary>How policies become predicates, and which do.</summary>
public sealed class PolicyBinderTests : IAsyncLifetime
{
    private const string Claims = """{"sub":"7d3c1a52-0000-4000-8000-00000000000a","org":"acme","level":"2"}""";

    private PolicyDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await PolicyDatabase.CreateAsync();
        await _database.ExecuteAsync(
            """
            create table notes (id int primary key, user_id uuid, org text, level int, made timestamptz, loose text collate "C", data jsonb);
            alter table notes enable row level security;
            grant select on notes to authenticated;
            create table orgs (name text);
            """);
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Theory]
    [InlineData("user_id = auth.uid()", "\"user_id\":SameToken in (\"7d3c1a52-0000-4000-8000-00000000000a\")")]
    [InlineData("(select auth.uid()) = user_id", "\"user_id\":SameToken in (\"7d3c1a52-0000-4000-8000-00000000000a\")")]
    [InlineData("org = auth.jwt() ->> 'org' and level in (1, 2)", "(\"level\":SameToken in (1,2) and \"org\":SameToken in (\"acme\"))")]
    [InlineData("auth.jwt() ->> 'org' = 'acme'", "true")]
    [InlineData("auth.jwt() ->> 'nothing' = org", "false")]
    [InlineData("auth.role() = 'admin' or level = (auth.jwt() ->> 'level')::int", "\"level\":SameToken in (2)")]
    [InlineData("level = (auth.jwt() ->> 'level')::bigint", "\"level\":SameToken in (2)")]
    public async Task Comparisons_with_claims_become_index_keys(string expression, string text)
    {
        var policy = await PolicyAsync(expression);
        policy.IsReducible.Should().BeTrue();
        var bound = await BindAsync(policy);
        bound.Failure.Should().BeNull();
        bound.Predicate.Text.Should().Be(text);
        bound.Predicate.Keys.Should().Match(keys => keys != null || text == "true");
    }

    [Theory]
    [InlineData("made < now()")]
    [InlineData("made::date = '2026-01-01'")]
    [InlineData("level::smallint = 1")]
    [InlineData("data is null")]
    [InlineData("lower(org) = 'acme'")]
    [InlineData("exists (select from orgs where name = org)")]
    [InlineData("org = current_setting('app.org')")]
    [InlineData("org = (select name from orgs)")]
    [InlineData("user_id = leaky.uid()")]
    [InlineData("org = current_user")]
    [InlineData("made <= ('now'::text)::timestamptz")]
    [InlineData("made <= (auth.jwt() ->> 'until')::timestamptz")]
    [InlineData("level = (('notes'::text)::regclass)::oid::int")]
    [InlineData("org = (('today'::text)::date)::text")]
    public async Task Everything_else_is_left_to_postgres(string expression)
    {
        await _database.ExecuteAsync("create schema leaky; create function leaky.uid() returns uuid language sql stable as 'select null::uuid'");
        var policy = await PolicyAsync(expression);
        policy.IsReducible.Should().BeFalse();
        policy.IsPartlyReducible.Should().BeFalse();
    }

    [Theory]
    [InlineData("select (select owner from public.owners limit 1)")]
    [InlineData("select current_setting('app.uid', true)::uuid")]
    [InlineData("select current_setting('request.jwt.' || 'claims', true)::uuid")]
    [InlineData("select gen_random_uuid()")]
    public async Task A_function_in_auth_that_reads_more_than_claims_is_not_reduced(string body)
    {
        await _database.ExecuteAsync($"create table owners (owner uuid); create or replace function auth.uid() returns uuid language sql stable as $f$ {body} $f$");
        (await PolicyAsync("user_id = auth.uid()")).IsReducible.Should().BeFalse();
    }

    [Fact]
    public async Task Supabases_own_functions_are_reduced()
    {
        await _database.ExecuteAsync(
            """
            create or replace function auth.uid() returns uuid language sql stable as $f$
              select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid
            $f$;
            create or replace function auth.jwt() returns jsonb language sql stable as $f$
              select coalesce(nullif(current_setting('request.jwt.claim', true), ''), nullif(current_setting('request.jwt.claims', true), ''))::jsonb
            $f$;
            """);
        (await PolicyAsync("user_id = auth.uid() and org = auth.jwt() ->> 'org'")).IsReducible.Should().BeTrue();
    }

    [Fact]
    public async Task What_is_left_of_a_policy_narrows_what_has_to_be_asked()
    {
        var policy = await PolicyAsync("user_id = auth.uid() and exists (select from orgs where name = org)");
        policy.IsReducible.Should().BeFalse();
        policy.IsPartlyReducible.Should().BeTrue();
        policy.ReadsOtherTables.Should().BeTrue();
        var bound = await BindAsync(policy);
        bound.Predicate.Keys.Should().ContainSingle().Which.Should().BeOfType<EqualKey>();
    }

    [Fact]
    public async Task Claims_that_cannot_be_cast_fail_their_own_set_only()
    {
        var policy = await PolicyAsync("user_id = auth.uid()");
        var bound = await _database.Binder.BindAsync(_database.Connection, policy, [Claims, """{"sub":"nobody"}""", "{}", Claims], CancellationToken.None);
        bound.Select(one => one.Failure?.SqlState).Should().Equal(null, "22P02", null, null);
        bound[1].Predicate.Should().Be(Constant.False);
        bound[2].Predicate.Should().Be(Constant.False, "no claim is null, and equal to nothing");
        bound[3].Predicate.Text.Should().Be(bound[0].Predicate.Text);
    }

    [Fact]
    public async Task A_role_that_may_not_call_the_function_fails()
    {
        await _database.ExecuteAsync("revoke execute on function auth.uid() from public");
        (await BindAsync(await PolicyAsync("user_id = auth.uid()"))).Failure!.SqlState.Should().Be("42501");
    }

    [Fact]
    public async Task Claims_of_eight_kilobytes_and_many_values_are_bound()
    {
        var values = string.Join(" or ", Enumerable.Range(0, 200).Select(i => $"org = auth.jwt() ->> 'k{i}'"));
        var policy = await PolicyAsync(values);
        var bound = (await _database.Binder.BindAsync(_database.Connection, policy, [$$"""{"k199":"{{new string('x', 8000)}}"}"""], CancellationToken.None))[0];
        bound.Predicate.Keys.Should().ContainSingle();
    }

    private async Task<BoundPolicy> BindAsync(TablePolicy policy) => (await _database.Binder.BindAsync(_database.Connection, policy, [Claims], CancellationToken.None))[0];

    private async Task<TablePolicy> PolicyAsync(string expression)
    {
        await _database.ExecuteAsync($"create policy p on notes using ({expression})");
        return await _database.ReadAsync("notes");
    }
}
