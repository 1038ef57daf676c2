using System.Text.Json;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>What policies hide stays hidden, and what they show arrives, where PostgreSQL makes it easy to get wrong.</summary>
public sealed class HiddenRowsTests : IAsyncLifetime
{
    private const string Ada = "aaaaaaaa-0000-4000-8000-000000000001";
    private const string Bob = "bbbbbbbb-0000-4000-8000-000000000002";

    // Backtracks without end on many letters a that end in b.
    private const string SlowPattern = "^(a+)(a+)(a+)(a+)(a+)(a+)\\\\1\\\\2\\\\3\\\\4\\\\5\\\\6b$|^fine$";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Deletes_from_a_partition_that_logs_keys_are_not_judged_by_what_its_root_declares()
    {
        await _database.ExecuteAsync(
            """
            alter publication supabase_realtime set (publish_via_partition_root = true);
            create table t (id int, k int, owner uuid, primary key (id, k)) partition by range (k);
            create table t_1 partition of t for values from (0) to (10);
            alter table t enable row level security;
            create policy own on t using (owner is null or owner = auth.uid());
            grant select on t to authenticated;
            select serverless_realtime.enable('t');
            alter table t replica identity full;
            """);
        await using var ada = await ConnectAsync(Ada);
        await using var bob = await ConnectAsync(Bob);
        var adas = await ada.JoinAsync("room", new { table = "t" });
        var bobs = await bob.JoinAsync("room", new { table = "t" });

        await _database.ExecuteAsync($"insert into t values (1, 1, '{Ada}'); delete from t where id = 1; insert into t values (2, 1, '{Ada}'), (3, 1, '{Bob}')");
        (await bob.ChangesAsync(bobs[0], 1)).Select(Kind).Should().Equal("INSERT 3");
        (await ada.ChangesAsync(adas[0], 2)).Select(Kind).Should().Equal(["INSERT 1", "INSERT 2"], "a delete of which the log has the key alone cannot be judged");

        await _database.ExecuteAsync($"alter table t_1 replica identity full; delete from t where id = 2; delete from t where id = 3");
        (await bob.ChangesAsync(bobs[0], 1)).Select(Kind).Should().Equal("DELETE 3");
        (await ada.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("DELETE 2");
    }

    [Fact]
    public async Task A_function_wrongly_marked_immutable_shows_nobody_the_rows_of_another()
    {
        await _database.ExecuteAsync(
            """
            create schema app;
            grant usage on schema app to authenticated;
            create function app.me() returns uuid language sql stable as 'select auth.uid()';
            create function app.me_fast() returns uuid language sql immutable as 'select app.me()';
            create table t (id int primary key, owner uuid);
            alter table t enable row level security;
            create policy p on t using (owner = app.me_fast());
            grant select on t to authenticated;
            select serverless_realtime.enable('t', true);
            """);
        await using var ada = await ConnectAsync(Ada);
        await using var bob = await ConnectAsync(Bob);
        var adas = await ada.JoinAsync("room", new { table = "t" });
        var bobs = await bob.JoinAsync("room", new { table = "t" });

        await _database.ExecuteAsync($"insert into t values (1, '{Ada}')");
        await _database.ExecuteAsync($"insert into t values (2, '{Ada}'), (3, '{Bob}')");

        (await ada.ChangesAsync(adas[0], 2)).Select(Kind).Should().Equal("INSERT 1", "INSERT 2");
        (await bob.ChangesAsync(bobs[0], 1)).Select(Kind).Should().Equal("INSERT 3");
    }

    [Fact]
    public async Task A_filter_that_fails_on_a_hidden_row_tells_nobody_of_it()
    {
        await _database.ExecuteAsync(
            $"""
            create table members (room int, user_id uuid);
            insert into members values (1, '{Bob}'), (2, '{Ada}');
            create table t (id int primary key, room int, s text);
            alter table t enable row level security;
            create policy m on t using (room in (select room from members where user_id = auth.uid()));
            grant select on t, members to authenticated;
            select serverless_realtime.enable('t', true);
            """);
        await using var ada = await ConnectAsync(Ada);
        var adas = await ada.JoinAsync("room", new { table = "t", filter = $"s=match.\"{SlowPattern}\"" });

        await _database.ExecuteAsync("insert into t values (1, 1, repeat('a', 201) || 'b'); insert into t values (2, 2, 'fine')");

        (await ada.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("INSERT 2");
        Codes(await WaitingAsync(ada)).Should().NotContain("FilterFailed");
    }

    [Fact]
    public async Task A_filter_that_fails_on_somebody_elses_row_is_told_to_them_alone()
    {
        await _database.ExecuteAsync(
            """
            create table t (id int primary key, owner uuid, s text);
            alter table t enable row level security;
            create policy m on t using (owner in (select auth.uid()));
            grant select on t to authenticated;
            select serverless_realtime.enable('t', true);
            """);
        await using var ada = await ConnectAsync(Ada);
        await using var bob = await ConnectAsync(Bob);
        var subscription = new { table = "t", filter = $"s=match.\"{SlowPattern}\"" };
        var adas = await ada.JoinAsync("room", subscription);
        await bob.JoinAsync("room", subscription);

        await _database.ExecuteAsync($"insert into t values (1, '{Bob}', repeat('a', 201) || 'b'); insert into t values (2, '{Ada}', 'fine')");

        (await ada.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("INSERT 2");
        Codes(await WaitingAsync(ada)).Should().NotContain("FilterFailed");
        (await NoticeAsync(bob)).GetProperty("code").GetString().Should().Be("FilterFailed");
    }

    [Theory]
    [InlineData("55000")]
    [InlineData("53400")]
    [InlineData("57P01")]
    [InlineData("08006")]
    [InlineData("40001")]
    [InlineData("55P03")]
    public async Task A_policy_that_raises_for_one_claim_set_holds_up_nobody_else(string state)
    {
        await _database.ExecuteAsync(
            $"""
            create function guard() returns boolean language plpgsql stable as $f$ begin
              if auth.jwt() ->> 'sub' = '{Ada}' then raise exception 'account is locked' using errcode = '{state}'; end if;
              return true; end $f$;
            create table t (id int primary key);
            alter table t enable row level security;
            create policy p on t to authenticated using (id > 0 and guard());
            grant select on t to authenticated;
            select serverless_realtime.enable('t', true);
            """);
        await using var ada = await ConnectAsync(Ada);
        await using var bob = await ConnectAsync(Bob);
        await ada.JoinAsync("room", new { table = "t" });
        var bobs = await bob.JoinAsync("room", new { table = "t" });

        await _database.ExecuteAsync("insert into t values (1)");

        (await bob.ChangesAsync(bobs[0], 1)).Select(Kind).Should().Equal("INSERT 1");
        var notice = await NoticeAsync(ada);
        notice.GetProperty("code").GetString().Should().Be("PolicyFailed");
        notice.GetProperty("message").GetString().Should().Contain(state);
    }

    [Fact]
    public async Task A_claim_that_could_not_be_cast_is_tried_again_once_it_can()
    {
        await _database.ExecuteAsync(
            """
            create type level as enum ('low');
            create table t (id int primary key, l level);
            alter table t enable row level security;
            create policy p on t using (l = (auth.jwt() ->> 'level')::level);
            grant select on t to authenticated;
            select serverless_realtime.enable('t', true);
            """);
        await using var ada = await RealtimeClient.ConnectAsync(
            _app.Url, Tokens.Sign(new { alg = "HS256" }, new { role = "authenticated", sub = Ada, exp = Tokens.Expiry(), level = "high" }));
        var adas = await ada.JoinAsync("room", new { table = "t" });
        await _database.ExecuteAsync("insert into t values (1, 'low')");
        (await NoticeAsync(ada)).GetProperty("code").GetString().Should().Be("PolicyFailed");

        await _database.ExecuteAsync("alter type level add value 'high'");
        await _database.ExecuteAsync("insert into t values (2, 'high')");

        (await ada.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("INSERT 2");
    }

    [Fact]
    public async Task A_row_for_which_a_policy_fails_takes_no_other_with_it()
    {
        await _database.ExecuteAsync(
            """
            create table t (id int primary key, n text);
            alter table t enable row level security;
            create policy p on t using (length(n) > 0 and n::int > 0);
            grant select on t to authenticated;
            select serverless_realtime.enable('t', true);
            """);
        await using var ada = await ConnectAsync(Ada);
        var adas = await ada.JoinAsync("room", new { table = "t" });

        await _database.ExecuteAsync("insert into t values (1, '1'), (2, 'x'), (3, '3'), (4, '-1')");
        await _database.ExecuteAsync("insert into t values (5, '5')");

        (await ada.ChangesAsync(adas[0], 3)).Select(Kind).Should().Equal("INSERT 1", "INSERT 3", "INSERT 5");
        (await NoticeAsync(ada)).GetProperty("message").GetString().Should().Contain("22P02").And.Contain("row");
    }

    [Fact]
    public async Task A_change_that_was_under_way_when_its_table_was_altered_is_judged_by_no_other_column_and_told_of()
    {
        await _database.ExecuteAsync(
            """
            create table t (id int primary key, owner uuid, author uuid);
            alter table t enable row level security;
            create policy p on t using (owner = auth.uid());
            grant select on t to authenticated;
            select serverless_realtime.enable('t', true);
            """);
        await using var ada = await ConnectAsync(Ada);
        await using var bob = await ConnectAsync(Bob);
        var adas = await ada.JoinAsync("room", new { table = "t" });
        var bobs = await bob.JoinAsync("room", new { table = "t" });

        // What the policy reads is the second column, as ever, but its name is now the other's.
        await _database.ExecuteAsync(
            $"""
            insert into t values (1, '{Bob}', '{Ada}');
            alter table t rename owner to other; alter table t rename author to owner; alter table t rename other to author;
            insert into t values (2, '{Ada}', '{Bob}'), (3, '{Bob}', '{Ada}');
            """);

        (await ada.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("INSERT 2");
        (await NoticeAsync(ada)).GetProperty("code").GetString().Should().Be("TableAltered");
        (await bob.ChangesAsync(bobs[0], 1)).Select(Kind).Should().Equal("INSERT 3");

        await _database.ExecuteAsync($"insert into t values (4, '{Ada}', '{Bob}'); alter table t rename author to keeper; insert into t values (5, '{Ada}', '{Bob}')");
        (await ada.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("INSERT 5");
    }

    [Fact]
    public async Task Under_an_identity_index_the_primary_key_is_sent_and_counts_for_errors()
    {
        await _database.ExecuteAsync(
            """
            create table t (id int primary key, code text not null unique, body text);
            alter table t replica identity using index t_code_key;
            create table keyless (code text not null unique, body text);
            alter table keyless replica identity using index keyless_code_key;
            create table locked (id int primary key, code text not null unique);
            alter table locked replica identity using index locked_code_key;
            grant select on t, keyless to authenticated;
            grant select (code) on locked to authenticated;
            select serverless_realtime.enable('t'), serverless_realtime.enable('keyless'), serverless_realtime.enable('locked');
            """);
        await using var ada = await ConnectAsync(Ada);
        var some = await ada.JoinAsync("some", new { table = "t", select = new[] { "body" } });
        var keyless = await ada.JoinAsync("keyless", new { table = "keyless" });
        var locked = await ada.JoinAsync("locked", new { table = "locked" });

        await _database.ExecuteAsync("insert into t values (1, 'c', 'b'); delete from t");
        var changes = await ada.ChangesAsync(some[0], 2);
        changes[0].GetProperty("record").GetRawText().Should().Be("""{"id":1,"code":"c","body":"b"}""");
        changes[1].GetProperty("old_record").GetRawText().Should().Be("""{"code":"c"}""");

        await _database.ExecuteAsync("insert into keyless values ('c', 'b')");
        (await ada.ChangesAsync(keyless[0], 1))[0].GetProperty("errors").GetRawText().Should().Contain("Error 400");
        await _database.ExecuteAsync("insert into locked values (1, 'c')");
        (await ada.ChangesAsync(locked[0], 1))[0].GetProperty("errors").GetRawText().Should().Contain("Error 401");
    }

    [Fact]
    public async Task A_value_that_its_image_does_not_tell_from_another_is_not_judged_and_that_is_told()
    {
        await _database.ExecuteAsync(
            """
            create table t (id int primary key, owners text[]);
            alter table t enable row level security;
            create policy p on t using (owners[1] = auth.uid()::text);
            grant select on t to authenticated;
            select serverless_realtime.enable('t', true);
            """);
        await using var ada = await ConnectAsync(Ada);
        await using var bob = await ConnectAsync(Bob);
        var adas = await ada.JoinAsync("room", new { table = "t" });
        var bobs = await bob.JoinAsync("room", new { table = "t" });

        // The first has Ada at place 1, and Bob at place 0.
        await _database.ExecuteAsync($"insert into t values (1, '[0:1]={{{Bob},{Ada}}}'); insert into t values (2, '{{{Bob}}}'), (3, '{{{Ada}}}')");

        (await bob.ChangesAsync(bobs[0], 1)).Select(Kind).Should().Equal("INSERT 2");
        (await ada.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("INSERT 3");
        var notice = await NoticeAsync(ada);
        notice.GetProperty("code").GetString().Should().Be("PolicyFailed");
        notice.GetProperty("message").GetString().Should().Contain("owners");
    }

    private static string Kind(JsonElement change)
    {
        var row = change.TryGetProperty("record", out var record) ? record : change.GetProperty("old_record");
        return $"{change.GetProperty("type").GetString()} {row.GetProperty("id").GetInt32()}";
    }

    private static IEnumerable<string?> Codes(IEnumerable<JsonElement> notices) =>
        notices.Select(notice => notice.TryGetProperty("code", out var code) ? code.GetString() : null);

    private static async Task<List<JsonElement>> WaitingAsync(RealtimeClient client)
    {
        var notices = new List<JsonElement>();
        while (client.Hub.Waiting("system") > 0)
        {
            notices.Add((await client.Hub.NextAsync("system", RealtimeClient.Limit))[0]);
        }

        return notices;
    }

    private static async Task<JsonElement> NoticeAsync(RealtimeClient client) => (await client.Hub.NextAsync("system", RealtimeClient.Limit))[0];

    private Task<RealtimeClient> ConnectAsync(string subject) => RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", subject));
}
