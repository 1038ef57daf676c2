using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>Each client receives what its policies let it see, on the row as it was committed.</summary>
public sealed class RowLevelSecurityTests : IAsyncLifetime
{
    private const string Ada = "aaaaaaaa-0000-4000-8000-000000000001";
    private const string Bob = "bbbbbbbb-0000-4000-8000-000000000002";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table notes (id int primary key, owner uuid, body text);
            alter table notes enable row level security;
            create policy own on notes for select to authenticated using (owner = (select auth.uid()));
            create table rooms (id int primary key, name text);
            create table members (room_id int, user_id uuid, primary key (room_id, user_id));
            create table messages (id int primary key, room_id int, body text);
            alter table messages enable row level security;
            create policy members_only on messages for select to authenticated
              using (room_id in (select room_id from members where user_id = auth.uid()));
            create table board (id int primary key, status text);
            grant select on notes, members, messages, board to authenticated;
            select serverless_realtime.enable('notes', true), serverless_realtime.enable('messages', true), serverless_realtime.enable('board', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Each_sees_its_own_rows_and_a_deleted_row_is_told_to_its_owner_alone()
    {
        await using var ada = await ConnectAsync(Ada);
        await using var bob = await ConnectAsync(Bob);
        var adas = await ada.JoinAsync("room", new { table = "notes" });
        var bobs = await bob.JoinAsync("room", new { table = "notes" });
        adas.Should().NotEqual(bobs, "their claims can be told apart");

        await _database.ExecuteAsync($"insert into notes values (1, '{Ada}', 'a'), (2, '{Bob}', 'b'); delete from notes where id = 1; insert into notes values (3, '{Bob}', 'c')");

        (await ada.ChangesAsync(adas[0], 2)).Select(Kind).Should().Equal("INSERT 1", "DELETE 1");
        (await bob.ChangesAsync(bobs[0], 2)).Select(Kind).Should().Equal("INSERT 2", "INSERT 3");
        await ExpectQuietAsync(ada, bob);
    }

    [Fact]
    public async Task A_row_that_changes_hands_is_told_to_its_new_owner_without_the_old_row()
    {
        await using var ada = await ConnectAsync(Ada);
        await using var bob = await ConnectAsync(Bob);
        var adas = await ada.JoinAsync("room", new { table = "notes", leave = true });
        var bobs = await bob.JoinAsync("room", new { table = "notes", leave = true });

        await _database.ExecuteAsync($"insert into notes values (1, '{Ada}', 'private'); update notes set owner = '{Bob}', body = 'handed over'");

        var left = await ada.ChangesAsync(adas[0], 2);
        left.Select(Kind).Should().Equal("INSERT 1", "DELETE 1");
        left[1].GetProperty("left").GetBoolean().Should().BeTrue();
        left[1].GetProperty("old_record").GetRawText().Should().Be("""{"id":1}""");
        var entered = (await bob.ChangesAsync(bobs[0], 1))[0];
        Kind(entered).Should().Be("UPDATE 1");
        entered.GetProperty("old_record").GetRawText().Should().Be("""{"id":1}""", "what the row was before is not his to see");
    }

    [Fact]
    public async Task Policies_that_read_other_tables_are_asked_of_postgres()
    {
        await _database.ExecuteAsync($"insert into members values (1, '{Ada}'), (2, '{Bob}')");
        await using var ada = await ConnectAsync(Ada);
        await using var bob = await ConnectAsync(Bob);
        var adas = await ada.JoinAsync("room", new { table = "messages" });
        var bobs = await bob.JoinAsync("room", new { table = "messages", filter = "body=like.h%" });

        await _database.ExecuteAsync("insert into messages values (1, 1, 'hello'), (2, 2, 'hi'), (3, 2, 'bye'), (4, 3, 'hush')");

        (await ada.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("INSERT 1");
        (await bob.ChangesAsync(bobs[0], 1)).Select(Kind).Should().Equal("INSERT 2");
        await ExpectQuietAsync(ada, bob);
    }

    [Fact]
    public async Task Security_switched_on_divides_those_who_shared_a_group()
    {
        await using var ada = await ConnectAsync(Ada);
        await using var bob = await ConnectAsync(Bob);
        var adas = await ada.JoinAsync("room", new { table = "board" });
        (await bob.JoinAsync("room", new { table = "board" })).Should().Equal(adas, "no policy tells them apart");
        await HandledAsync("insert into board values (1, 'open')");

        await _database.ExecuteAsync(
            $"alter table board enable row level security; create policy own on board for select to authenticated using (status = auth.uid()::text)");
        await _database.ExecuteAsync($"insert into board values (2, '{Ada}'), (3, '{Bob}')");

        (await ada.ChangesAsync(adas[0], 2)).Select(Kind).Should().Equal("INSERT 1", "INSERT 2");
        (await bob.ChangesAsync(adas[0], 2)).Select(Kind).Should().Equal("INSERT 1", "INSERT 3");
        await ExpectQuietAsync(ada, bob);
    }

    [Fact]
    public async Task A_policy_that_fails_silences_its_own_subscribers_and_tells_them()
    {
        await using var ada = await ConnectAsync(Ada);
        await using var odd = await ConnectAsync("not-a-uuid");
        var adas = await ada.JoinAsync("room", new { table = "notes" });
        await odd.JoinAsync("room", new { table = "notes" });

        await _database.ExecuteAsync($"insert into notes values (1, '{Ada}', 'a')");

        (await ada.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("INSERT 1");
        var notice = (await odd.Hub.NextAsync("system", RealtimeClient.Limit))[0];
        notice.GetProperty("code").GetString().Should().Be("PolicyFailed");
        notice.GetProperty("status").GetString().Should().Be("error");
        odd.Hub.Waiting("postgres_changes").Should().Be(0);
    }

    [Fact]
    public async Task A_session_whose_token_has_expired_hears_of_it_and_nothing_else_until_it_brings_a_new_one()
    {
        await using var ada = await RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", Ada, TimeSpan.FromHours(5)));
        await using var brief = await RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", Ada, TimeSpan.FromHours(1)));
        var adas = await ada.JoinAsync("room", new { table = "notes" });
        (await brief.JoinAsync("room", new { table = "notes" })).Should().Equal(adas, "a token's times make no difference to what may be seen");
        await _database.ExecuteAsync($"insert into notes values (1, '{Ada}', 'a')");
        (await brief.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("INSERT 1");

        _app.Time.Move(TimeSpan.FromHours(2));
        await _database.ExecuteAsync($"insert into notes values (2, '{Ada}', 'a')");
        (await ada.ChangesAsync(adas[0], 2)).Select(Kind).Should().Equal("INSERT 1", "INSERT 2");
        var notice = (await brief.Hub.NextAsync("system", RealtimeClient.Limit))[0];
        notice.GetProperty("code").GetString().Should().Be("TokenExpired");
        notice.GetProperty("topics")[0].GetString().Should().Be("room");
        brief.Hub.Waiting("postgres_changes").Should().Be(0);

        // The expired token was also the API key of this client's calls; its next call brings the new one for both.
        var renewed = Tokens.For("authenticated", Ada, TimeSpan.FromHours(5));
        using var http = RealtimeClient.Http(_app.Url, renewed);
        http.DefaultRequestHeaders.Add("x-realtime-session", brief.Session);
        using var response = await http.PostAsJsonAsync("/realtime/v1/channels/access-token", new { access_token = renewed });
        response.StatusCode.Should().Be(HttpStatusCode.OK);
        await _database.ExecuteAsync($"insert into notes values (3, '{Ada}', 'a')");
        (await brief.ChangesAsync(adas[0], 1)).Select(Kind).Should().Equal("INSERT 3");
    }

    [Fact]
    public async Task Columns_that_the_role_may_not_read_or_did_not_choose_stay_out()
    {
        await _database.ExecuteAsync("create table staff (id int primary key, name text, salary int); grant select (id, name) on staff to authenticated; select serverless_realtime.enable('staff', true)");
        await using var ada = await ConnectAsync(Ada);
        var all = await ada.JoinAsync("all", new { table = "staff" });
        var few = await ada.JoinAsync("few", new { table = "staff", select = new[] { "name" }, filter = "id=gt.0" });
        few.Should().NotEqual(all);

        await _database.ExecuteAsync("insert into staff values (1, 'x', 100)");

        (await ada.ChangesAsync(all[0], 1))[0].GetProperty("record").GetRawText().Should().Be("""{"id":1,"name":"x"}""");
        using var refused = await ada.PostAsync("join", new { topic = "bad", config = new { postgres_changes = new[] { new { table = "staff", filter = "salary=gt.1" } } } });
        refused.StatusCode.Should().Be(HttpStatusCode.BadRequest);
    }

    private static string Kind(JsonElement change)
    {
        var row = change.TryGetProperty("record", out var record) ? record : change.GetProperty("old_record");
        return $"{change.GetProperty("type").GetString()} {row.GetProperty("id").GetInt32()}";
    }

    private Task<RealtimeClient> ConnectAsync(string subject) => RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", subject));

    // A row that both may see, in every table's partition order, would prove that nothing else is on the way; that everything was sent proves it too.
    private async Task ExpectQuietAsync(params RealtimeClient[] clients)
    {
        await HandledAsync("update notes set body = body where false; insert into board values (1000, 'marker') on conflict do nothing");
        clients.Should().OnlyContain(client => client.Hub.Waiting("postgres_changes") == 0);
    }

    private async Task HandledAsync(string sql)
    {
        var before = await _database.ScalarAsync<string>("select pg_current_wal_insert_lsn()::text");
        await _database.ExecuteAsync(sql);
        await Eventually.HoldsAsync(() => _database.ScalarAsync<bool>(
            $"select exists (select from serverless_realtime.partition_state where split_part(sent, ':', 1)::pg_lsn > '{before}')"));
    }
}
