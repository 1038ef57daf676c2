using System.Globalization;
using Npgsql;
using Serverless.Changes;

namespace Serverless.Subscriptions.Policies;

/// <summary>What PostgreSQL is asked about row images, and what it must never answer.</summary>
public sealed class PolicyJudgeTests : IAsyncLifetime
{
    private const string Ann = """{"sub":"7d3c1a52-0000-4000-8000-00000000000a","role":"authenticated"}""";
    private const string Bob = """{"sub":"7d3c1a52-0000-4000-8000-00000000000b","role":"authenticated"}""";
    private const string Nobody = """{"sub":"nobody","role":"authenticated"}""";

    private PolicyDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await PolicyDatabase.CreateAsync();
        await _database.ExecuteAsync(
            """
            create table notes (id int primary key, user_id uuid, room int, body text, data jsonb);
            alter table notes enable row level security;
            grant select on notes to authenticated;
            insert into notes values (1, '7d3c1a52-0000-4000-8000-00000000000a', 1, 'anns', '{}'), (2, '7d3c1a52-0000-4000-8000-00000000000b', 2, 'bobs', null);
            create table memberships (room int, user_id uuid);
            alter table memberships enable row level security;
            create policy own on memberships using (user_id = auth.uid());
            grant select on memberships to authenticated;
            insert into memberships values (1, '7d3c1a52-0000-4000-8000-00000000000a'), (2, '7d3c1a52-0000-4000-8000-00000000000b');
            """);
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task One_statement_for_several_claim_sets_would_leak_and_one_for_each_does_not()
    {
        var policy = await PolicyAsync("user_id = (select auth.uid())");

        // Both subscribers in one statement, each row with the claims that it is to be judged by: the sub-select is computed once, for the first.
        await using var command = new NpgsqlCommand(
            $"""
            select array(
              select notes.id
              from (
                select n.*, set_config('request.jwt.claims', s.claims, false) as was_set
                from (values ('{Ann}'), ('{Bob}')) as s (claims), notes n offset 0) as notes
              where was_set is not null and {policy.Sql})
            """,
            _database.Connection);
        var together = (int[])(await command.ExecuteScalarAsync())!;
        together.Should().Equal([1, 1], "Ann's row is found visible for Bob too, which is the leak, and Bob's own is not");

        var apart = await JudgeAsync(policy, Ann, Bob, Ann);
        apart.Select(verdict => verdict.Visible).Should().BeEquivalentTo(
            new bool[][] { [true, false], [false, true], [true, false] }, options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task A_function_wrongly_marked_immutable_does_not_keep_the_first_subscribers_claims()
    {
        await _database.ExecuteAsync(
            "create function me() returns uuid language sql immutable as $$ select (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid $$");
        var policy = await PolicyAsync("user_id = me()");
        for (var i = 0; i < 3; i++)
        {
            (await JudgeAsync(policy, Ann, Bob)).Select(verdict => verdict.Visible).Should().BeEquivalentTo(
                new bool[][] { [true, false], [false, true] }, options => options.WithStrictOrdering());
        }
    }

    [Theory]
    [InlineData("user_id = me_fast()")]
    [InlineData("user_id = me_faster()")]
    [InlineData("is_mine(user_id)")]
    [InlineData("user_id = kept()")]
    public async Task What_a_function_keeps_of_one_subscriber_serves_no_other(string expression)
    {
        await _database.ExecuteAsync(
            """
            create function me() returns uuid language sql stable as 'select auth.uid()';
            create function me_fast() returns uuid language sql immutable as 'select me()';
            create function me_faster() returns uuid language plpgsql immutable as 'begin return me(); end';
            create function is_mine(uuid) returns boolean language plpgsql stable as 'begin return $1 = me_fast(); end';
            create function kept() returns uuid language plpgsql stable as $$ begin
              if coalesce(current_setting('app.me', true), '') = '' then
                perform set_config('app.me', auth.uid()::text, true);
              end if;
              return current_setting('app.me'); end $$;
            """);
        var policy = await PolicyAsync(expression);
        for (var i = 0; i < 3; i++)
        {
            (await JudgeAsync(policy, Ann, Bob, Ann, Bob)).Select(verdict => verdict.Visible).Should().BeEquivalentTo(
                new bool[][] { [true, false], [false, true], [true, false], [false, true] }, options => options.WithStrictOrdering());
        }
    }

    [Theory]
    [InlineData("notes.user_id = app.me_fast()", true)]
    [InlineData("exists (select from mine m where m.room = notes.room)", true)]
    [InlineData("notes.user_id === '7d3c1a52-0000-4000-8000-00000000000a'", true)]
    [InlineData("exists (select from guarded g where g.room = notes.room)", true)]
    [InlineData("body::checked is not null", true)]
    [InlineData("exists (select from memberships m where m.room = notes.room) and (select auth.uid()) = user_id", false)]
    [InlineData("citext_eq(body::citext, 'ANNS')", false)]
    public async Task A_policy_has_plans_for_each_claim_set_where_it_reaches_a_function_that_may_keep_claims(string expression, bool expected)
    {
        await _database.ExecuteAsync(
            """
            create extension citext;
            create schema app;
            create function app.me_fast() returns uuid language sql immutable as 'select auth.uid()';
            create function app.same(uuid, uuid) returns boolean language sql stable as 'select $1 = app.me_fast()';
            create operator === (leftarg = uuid, rightarg = uuid, function = app.same);
            create function app.fits(text) returns boolean language plpgsql stable as 'begin return app.me_fast() is not null; end';
            create domain checked as text check (app.fits(value));
            create view mine as select room from memberships where user_id = app.me_fast();
            create table guarded (room int);
            alter table guarded enable row level security;
            create policy g on guarded using (app.fits('x'));
            """);
        var policy = await PolicyAsync(expression);
        await using var command = new NpgsqlCommand("select serverless_realtime.may_keep_claims($1, $2)", _database.Connection)
        {
            Parameters = { new() { Value = policy.Table, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid }, new() { Value = policy.ClaimFunctions.ToArray() } },
        };
        (await command.ExecuteScalarAsync()).Should().Be(expected);

        await _database.ExecuteAsync("create or replace function auth.uid() returns uuid language sql stable as 'select app.me_fast()'");
        (await command.ExecuteScalarAsync()).Should().Be(true, "what was known of a function that has changed is known no more");
    }

    [Fact]
    public async Task Plans_that_are_kept_follow_the_role_the_tables_and_the_functions()
    {
        var policy = await PolicyAsync("exists (select from memberships m where m.room = notes.room) and visible()", "create function visible() returns boolean language sql stable as 'select true'");
        var anonymous = policy with { Role = "anon" };
        (await JudgeAsync(policy, Ann, Bob))[1].Visible.Should().Equal(false, true);
        (await JudgeAsync(anonymous, Ann))[0].Failure!.SqlState.Should().Be("42501", "anon may not read memberships");
        (await JudgeAsync(policy, Ann))[0].Visible.Should().Equal(true, false);

        await _database.ExecuteAsync("drop policy own on memberships; create policy everybody on memberships using (true)");
        (await JudgeAsync(policy, Ann))[0].Visible.Should().Equal(true, true);
        await _database.ExecuteAsync("create or replace function visible() returns boolean language sql stable as 'select false'");
        (await JudgeAsync(policy, Ann))[0].Visible.Should().Equal(false, false);
        await _database.ExecuteAsync("create or replace function visible() returns boolean language sql stable as 'select true'; revoke select on memberships from authenticated");
        (await JudgeAsync(policy, Ann))[0].Failure!.SqlState.Should().Be("42501");
    }

    [Fact]
    public async Task A_function_in_a_schema_that_the_role_may_not_use_works_as_in_a_stored_policy()
    {
        var policy = await PolicyAsync(
            "private.is_member(room) and exists (select from memberships m where m.room = notes.room)",
            """
            create schema private;
            create function private.is_member(int) returns boolean language sql stable security definer
            as 'select exists (select from memberships where room = $1 and user_id = auth.uid())';
            """);
        (await JudgeAsync(policy, Ann, Bob)).Select(verdict => verdict.Visible).Should().BeEquivalentTo(
            new bool[][] { [true, false], [false, true] }, options => options.WithStrictOrdering());

        // Whatever was made for it is gone: nothing of ours depends on the owner's objects.
        await _database.ExecuteAsync("drop table notes; drop function private.is_member; drop table memberships");
    }

    [Fact]
    public async Task A_claim_set_that_fails_silences_no_other()
    {
        var policy = await PolicyAsync("user_id = auth.uid()");
        var verdicts = await JudgeAsync(policy, Ann, Nobody, "no json", Bob);
        verdicts.Select(verdict => verdict.Failure?.SqlState).Should().Equal(null, "22P02", "22P02", null);
        verdicts[3].Visible.Should().Equal(false, true);
        verdicts[1].Visible.Should().BeEmpty();
        verdicts[1].Failure!.Message(policy).Should().Contain("\"public\".\"notes\"").And.Contain("claim").And.NotContain("nobody").And.NotContain("auth.uid");
    }

    [Fact]
    public async Task Policies_that_read_each_other_without_end_fail_and_say_so()
    {
        var policy = await PolicyAsync("exists (select from memberships m where m.room = notes.room)", "create policy back on memberships using (exists (select from notes n where n.room = memberships.room))");
        (await JudgeAsync(policy, Ann))[0].Failure!.SqlState.Should().Be("42P17");
    }

    [Fact]
    public async Task A_function_that_calls_itself_without_end_fails()
    {
        var policy = await PolicyAsync("deep(room)", "create function deep(int) returns boolean language plpgsql stable as 'begin return deep($1 + 1); end'");
        (await JudgeAsync(policy, Ann))[0].Failure!.SqlState.Should().Be("54001");
    }

    [Fact]
    public async Task A_claim_set_that_takes_too_long_fails_and_the_others_do_not()
    {
        var policy = await PolicyAsync(
            "user_id = auth.uid() and patient()",
            """
            create function patient() returns boolean language plpgsql volatile as $$ begin
              if auth.jwt() ->> 'slow' = 'yes' then perform pg_sleep(60); end if;
              return true; end $$;
            """);
        var judge = new PolicyJudge(TimeSpan.FromMilliseconds(500), TimeProvider.System);
        var slow = Bob.Replace("\"role\"", "\"slow\":\"yes\",\"role\"", StringComparison.Ordinal);
        var verdicts = await judge.JudgeAsync(_database.Connection, policy, await ImagesAsync(), Asks(Ann, slow, Bob, slow, Ann), CancellationToken.None);
        verdicts.Select(verdict => verdict.Failure?.SqlState).Should().Equal(null, "57014", null, "57014", null);
        verdicts[2].Visible.Should().Equal(false, true);
        verdicts[4].Visible.Should().Equal(true, false);
        (await SettingsAsync()).Should().Be("none 0 ");
    }

    [Theory]
    [InlineData(5)]
    [InlineData(40)]
    public async Task However_many_claim_sets_are_slow_one_that_is_not_is_answered(int slow)
    {
        var policy = await PolicyAsync("(select case when auth.jwt() ? 'slow' then pg_sleep(60) is null else true end) and length(body) > 0");
        var judge = new PolicyJudge(TimeSpan.FromMilliseconds(500), TimeProvider.System);
        string[] claims = [.. Enumerable.Range(0, slow).Select(i => $"{{\"slow\":{i}}}"), Ann];
        for (var i = 0; i < 2; i++)
        {
            var verdicts = await judge.JudgeAsync(_database.Connection, policy, await ImagesAsync(), Asks(claims), CancellationToken.None);
            verdicts[^1].Failure.Should().BeNull();
            verdicts[^1].Visible.Should().Equal(true, true);
            verdicts.SkipLast(1).Select(verdict => verdict.Failure?.SqlState).Should().AllBe("57014");
        }
    }

    [Fact]
    public async Task A_row_for_which_the_policy_fails_fails_alone_and_no_claim_is_blamed()
    {
        await _database.ExecuteAsync("insert into notes select i, null, i, case when i in (7, 20) then 'x' else '1' end from generate_series(3, 40) i; update notes set body = '1' where id < 3");
        var policy = await PolicyAsync("length(body) > 0 and body::int > 0");
        var (ids, failure) = await _database.JudgedAsync(policy, Ann);
        ids.Should().BeEquivalentTo(Enumerable.Range(1, 40).Except([7, 20]).Select(id => $"{id}"));
        failure!.SqlState.Should().Be("22P02");
        failure.Message(policy).Should().Contain("row").And.NotContain("most often a claim");
    }

    [Fact]
    public async Task A_domain_that_forbids_null_beside_a_column_of_json_keeps_nobody_from_seeing()
    {
        await _database.ExecuteAsync("create domain filled as text not null; alter table notes add label filled default 'x'; insert into notes values (3, null, 3, 'x', 'null')");
        var policy = await PolicyAsync("data is null or jsonb_typeof(data) = 'null' or data = '{}'");
        (await _database.JudgedAsync(policy, Ann)).Should().BeEquivalentTo((new HashSet<string> { "1", "2", "3" }, (PolicyFailure?)null));
        (await _database.JudgedAsync(await PolicyAsync("data is null"), Ann)).Ids.Should().BeEmpty("an image does not tell which null it is");
    }

    [Fact]
    public async Task Numbers_and_json_are_judged_as_they_were_written()
    {
        await _database.ExecuteAsync("alter table notes add f float8 default '-0', add j json default '{\"a\":  1, \"a\": 2}'");
        (await _database.JudgedAsync(await PolicyAsync("f::text = '-0' and j::text = '{\"a\":  1, \"a\": 2}'"), Ann)).Ids.Should().BeEquivalentTo("1", "2");
    }

    [Fact]
    public async Task Cancelling_leaves_the_connection_fit_for_use_and_no_settings_behind()
    {
        var policy = await PolicyAsync("pg_sleep(60) is not null");
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var judging = async () => await _database.Judge.JudgeAsync(_database.Connection, policy, await ImagesAsync(), Asks(Ann), cancellation.Token);
        await judging.Should().ThrowAsync<OperationCanceledException>();
        (await SettingsAsync()).Should().Be("none 0 ");
    }

    [Fact]
    public async Task An_image_that_lacks_a_column_which_the_policy_reads_is_not_visible()
    {
        var policy = await PolicyAsync("user_id = auth.uid() or body is null");
        (await _database.JudgedAsync(policy, Ann)).Ids.Should().BeEquivalentTo("1");
        (await _database.JudgedAsync(policy, Ann, without: "body")).Ids.Should().BeEmpty();
        (await _database.JudgedAsync(policy, Ann, without: "room")).Ids.Should().BeEquivalentTo("1");
    }

    [Fact]
    public async Task A_policy_on_the_row_as_a_whole_reads_every_column()
    {
        var policy = await PolicyAsync("whole(notes)", "create function whole(notes) returns boolean language sql stable as 'select $1.room = 1'");
        policy.Columns.Should().Equal("id", "user_id", "room", "body", "data");
        (await _database.JudgedAsync(policy, Ann)).Ids.Should().BeEquivalentTo("1");
        (await _database.JudgedAsync(policy, Ann, without: "data")).Ids.Should().BeEmpty();
    }

    [Fact]
    public async Task A_json_null_that_might_be_sqls_is_visible_only_if_either_would_be()
    {
        await _database.ExecuteAsync("insert into notes values (3, null, 3, 'x', 'null')");
        (await _database.JudgedAsync(await PolicyAsync("data is null"), Ann)).Ids.Should().BeEmpty("an image does not tell which null it is");
        (await _database.JudgedAsync(await PolicyAsync("data is null or jsonb_typeof(data) = 'null'"), Ann)).Ids.Should().BeEquivalentTo("2", "3");
    }

    [Fact]
    public async Task Rows_are_judged_as_the_log_had_them_whatever_the_table_holds_now()
    {
        var policy = await PolicyAsync("user_id = auth.uid()");
        var images = await ImagesAsync();
        await _database.ExecuteAsync("truncate notes");
        var verdicts = await _database.Judge.JudgeAsync(_database.Connection, policy, images, Asks(Ann), CancellationToken.None);
        verdicts[0].Visible.Should().Equal(true, false);
    }

    [Fact]
    public async Task Asks_may_be_about_some_images_in_any_order()
    {
        var policy = await PolicyAsync("user_id = auth.uid()");
        var verdicts = await _database.Judge.JudgeAsync(
            _database.Connection, policy, await ImagesAsync(), [new PolicyAsk(Ann, [1, 0, 1]), new PolicyAsk(Bob, [1]), new PolicyAsk(Bob, [])], CancellationToken.None);
        verdicts.Select(verdict => verdict.Visible).Should().BeEquivalentTo(new bool[][] { [false, true, false], [true], [] }, options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task A_user_who_is_no_superuser_needs_the_role_and_is_told_so()
    {
        var policy = await PolicyAsync("exists (select from memberships m where m.room = notes.room)");
        var user = "service_" + _database.Database.Name;
        var password = new Npgsql.NpgsqlConnectionStringBuilder(_database.Database.ConnectionString).Password;
        await _database.ExecuteAsync($"create role {user} login password '{password}'; grant usage on schema serverless_realtime to {user}; grant execute on all functions in schema serverless_realtime to {user}");
        try
        {
            await using (var connection = await PolicyDatabase.OpenAsync(_database.Database, user))
            {
                var (images, asks) = (await ImagesAsync(), Asks(Ann, Bob));
                var refused = await _database.Judge.JudgeAsync(connection, policy, images, asks, CancellationToken.None);
                refused.Select(verdict => verdict.Failure!.SqlState).Should().Equal("SR002", "SR002");
                refused[0].Failure!.Message(policy).Should().Contain("grant \"authenticated\"");

                await _database.ExecuteAsync($"grant authenticated to {user}");
                var read = await _database.ReadAsync("notes", connection: connection);
                read.Sql.Should().Be(policy.Sql);
                var verdicts = await _database.Judge.JudgeAsync(connection, read, images, asks, CancellationToken.None);
                verdicts.Select(verdict => verdict.Visible).Should().BeEquivalentTo(new bool[][] { [true, false], [false, true] }, options => options.WithStrictOrdering());
            }
        }
        finally
        {
            await _database.ExecuteAsync($"drop owned by {user}; drop role {user}");
        }
    }

    [Fact]
    public async Task A_name_that_is_gone_since_the_policy_was_read_is_a_failure_that_says_to_read_it_again()
    {
        var policy = await PolicyAsync("exists (select from memberships m where m.room = notes.room)");
        await _database.ExecuteAsync("alter table memberships rename column room to place");
        var failure = (await JudgeAsync(policy, Ann))[0].Failure!;
        failure.MayBeStale.Should().BeTrue();
        (await JudgeAsync(await _database.ReadAsync("notes"), Ann))[0].Visible.Should().Equal(true, false);
    }

    private async Task<TablePolicy> PolicyAsync(string expression, string before = "")
    {
        await _database.ExecuteAsync($"drop policy if exists p on notes; {before}; create policy p on notes using ({expression})");
        return await _database.ReadAsync("notes");
    }

    private async Task<RowImage[]> ImagesAsync() => [.. (await _database.ImagesAsync("notes")).Select(image => image.Image)];

    private async Task<IReadOnlyList<PolicyVerdict>> JudgeAsync(TablePolicy policy, params string[] claims) =>
        await _database.Judge.JudgeAsync(_database.Connection, policy, await ImagesAsync(), Asks(claims), CancellationToken.None);

    private static PolicyAsk[] Asks(params string[] claims) => [.. claims.Select(set => new PolicyAsk(set, [0, 1]))];

    private async Task<string> SettingsAsync()
    {
        await using var command = new NpgsqlCommand(
            "select concat_ws(' ', current_setting('role'), current_setting('statement_timeout'), coalesce(current_setting('request.jwt.claims', true), ''))", _database.Connection);
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture)!;
    }
}
