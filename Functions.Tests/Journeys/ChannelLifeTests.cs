using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>What joining, leaving, a new token and the end of a connection do to what a client receives.</summary>
public sealed class ChannelLifeTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key, title text);
            create table notes (id int primary key, body text);
            create table diaries (id int primary key);
            grant select on todos to anon, authenticated;
            grant select on notes to authenticated;
            select serverless_realtime.enable('todos', true), serverless_realtime.enable('notes', true), serverless_realtime.enable('diaries', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_topic_that_was_left_is_silent_and_the_others_go_on()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var all = await client.JoinAsync("all", new { table = "todos" });
        var one = await client.JoinAsync("one", new { table = "todos", filter = "id=eq.1" });
        using (await client.PostAsync("leave", new { topic = "one" }))
        {
        }

        await _database.ExecuteAsync("insert into todos values (1, 'a')");

        // Both groups would be sent to from one batch, the narrower one no later than the wider one's next change.
        (await client.ChangesAsync(all[0], 1)).Should().HaveCount(1);
        await _database.ExecuteAsync("insert into todos values (2, 'b')");
        (await client.ChangesAsync(all[0], 1))[0].GetProperty("record").GetProperty("id").GetInt32().Should().Be(2);
        client.Hub.Waiting("postgres_changes").Should().Be(0);
        one.Should().NotEqual(all);
    }

    [Fact]
    public async Task Two_topics_may_want_the_same_and_one_of_them_leave()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var first = await client.JoinAsync("first", new { table = "todos" });
        (await client.JoinAsync("second", new { table = "todos" })).Should().Equal(first, "the same subscription has the same number");
        using (await client.PostAsync("leave", new { topic = "first" }))
        {
        }

        await _database.ExecuteAsync("insert into todos values (1, 'a')");

        (await client.ChangesAsync(first[0], 1)).Should().HaveCount(1);
    }

    [Fact]
    public async Task Joining_a_topic_again_replaces_what_it_had()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinAsync("room", new { table = "todos", filter = "id=eq.1" });
        var again = await client.JoinAsync("room", new { table = "todos", filter = "id=eq.2" });

        await _database.ExecuteAsync("insert into todos values (1, 'a'), (2, 'b')");

        (await client.ChangesAsync(again[0], 1))[0].GetProperty("record").GetProperty("id").GetInt32().Should().Be(2);
        client.Hub.Waiting("postgres_changes").Should().Be(0);
        (await LiveAsync()).Should().Be(1);
    }

    [Fact]
    public async Task A_join_that_fails_ends_the_one_it_was_to_replace()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinAsync("room", new { table = "todos" });
        using (var refused = await client.PostAsync("join", new { topic = "room", config = new { postgres_changes = new[] { new { table = "nothing" } } } }))
        {
            refused.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        }

        (await LiveAsync()).Should().Be(0);
    }

    [Fact]
    public async Task A_new_token_is_judged_anew_and_the_numbers_may_change()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", "ada"));
        var before = await client.JoinAsync("room", new { table = "todos" }, new { table = "notes" });

        // Another role may read the one table and not the other, so the channel cannot go on whole.
        var refused = (await ChangeTokenAsync(client, Tokens.For("anon")))[0];
        refused.GetProperty("status").GetString().Should().Be("error");
        refused.GetProperty("code").GetString().Should().Be("InsufficientPrivilege");
        (await LiveAsync()).Should().Be(0);

        var again = await client.JoinAsync("room", new { table = "todos" });
        again[0].Should().Be(before[0]);
        var renewed = (await ChangeTokenAsync(client, Tokens.For("anon")))[0];
        var number = renewed.GetProperty("postgres_changes")[0].GetProperty("id").GetInt64();
        number.Should().NotBe(before[0]);

        await _database.ExecuteAsync("insert into todos values (1, 'a')");
        (await client.ChangesAsync(number, 1)).Should().HaveCount(1);
        client.Hub.Waiting("postgres_changes").Should().Be(0, "the connection has left the old role's group");
    }

    [Fact]
    public async Task A_bad_token_changes_nothing()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = await client.JoinAsync("room", new { table = "todos" });
        using (var refused = await client.PostAsync("access-token", new { access_token = Tokens.For("anon", lifetime: TimeSpan.FromSeconds(-1)) }))
        {
            refused.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        }

        await _database.ExecuteAsync("insert into todos values (1, 'a')");
        (await client.ChangesAsync(ids[0], 1)).Should().HaveCount(1);
    }

    [Fact]
    public async Task The_end_of_a_connection_ends_its_registrations()
    {
        var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinAsync("room", new { table = "todos" });
        (await LiveAsync()).Should().Be(1);

        await client.DisposeAsync();

        await Eventually.HoldsAsync(async () => await LiveAsync() == 0);
    }

    [Fact]
    public async Task Without_a_table_every_published_table_that_the_role_may_read_is_followed()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", "ada"));
        var ids = await client.JoinAsync("room", new { schema = "public" });

        await _database.ExecuteAsync("insert into diaries values (1); insert into todos values (1, 'a'); insert into notes values (1, 'b')");

        var tables = new HashSet<string>();
        while (tables.Count < 2)
        {
            var message = (await client.Hub.NextAsync("postgres_changes", RealtimeClient.Limit))[0];
            message.GetProperty("ids")[0].GetInt64().Should().Be(ids[0]);
            tables.Add(message.GetProperty("table").GetString()!);
        }

        tables.Should().BeEquivalentTo("todos", "notes");
    }

    [Fact]
    public async Task A_right_taken_away_ends_delivery_at_once()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = await client.JoinAsync("room", new { table = "todos" });
        await _database.ExecuteAsync("insert into todos values (1, 'seen')");
        (await client.ChangesAsync(ids[0], 1)).Should().HaveCount(1);

        await _database.ExecuteAsync("revoke select on todos from anon");
        await HandledAsync("insert into todos values (2, 'secret')");
        await _database.ExecuteAsync("grant select on todos to anon");
        await _database.ExecuteAsync("insert into todos values (3, 'seen again')");

        (await client.ChangesAsync(ids[0], 1))[0].GetProperty("record").GetProperty("id").GetInt32().Should().Be(3);
    }

    [Fact]
    public async Task Row_level_security_switched_on_ends_delivery_at_once()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = await client.JoinAsync("room", new { table = "todos" });
        await _database.ExecuteAsync("alter table todos enable row level security");
        await HandledAsync("insert into todos values (2, 'secret')");
        await _database.ExecuteAsync("alter table todos disable row level security");
        await _database.ExecuteAsync("insert into todos values (3, 'open')");

        (await client.ChangesAsync(ids[0], 1))[0].GetProperty("record").GetProperty("id").GetInt32().Should().Be(3);
    }

    [Fact]
    public async Task A_row_too_large_to_send_keeps_its_small_values()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = await client.JoinAsync("room", new { table = "todos" });

        await _database.ExecuteAsync("insert into todos select 1, string_agg(md5(n::text), '') from generate_series(1, 40000) n; insert into todos values (2, 'b')");

        var changes = await client.ChangesAsync(ids[0], 2);
        changes[0].GetProperty("errors")[0].GetString().Should().Be("Error 413: Payload Too Large");
        changes[0].GetProperty("record").GetRawText().Should().Be("""{"id":1}""");
        changes[1].GetProperty("errors").ValueKind.Should().Be(JsonValueKind.Null);
    }

    private static async Task<JsonElement[]> ChangeTokenAsync(RealtimeClient client, string token)
    {
        using var response = await client.PostAsync("access-token", new { access_token = token });
        response.StatusCode.Should().Be(HttpStatusCode.OK);
        return [.. (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("channels").EnumerateArray()];
    }

    /// <summary>Executes a statement that changes rows, and returns when its changes have been sent to whoever may have them.</summary>
    private async Task HandledAsync(string sql)
    {
        var before = await _database.ScalarAsync<string>("select pg_current_wal_insert_lsn()::text");
        await _database.ExecuteAsync(sql);
        await Eventually.HoldsAsync(() => _database.ScalarAsync<bool>(
            $"select exists (select from serverless_realtime.partition_state where split_part(sent, ':', 1)::pg_lsn > '{before}')"));
    }

    private async Task<long> LiveAsync() => await _database.ScalarAsync<long>("select count(*) from serverless_realtime.subscription where left_at is null");
}
