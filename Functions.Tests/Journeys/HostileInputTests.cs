using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>What somebody may do to a filter, a policy, a token or a table under everybody's feet: it costs the guilty one, and the others' changes go on.</summary>
public sealed class HostileInputTests : IAsyncLifetime
{
    private const string Ada = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";

    /// <summary>Without a match it tries every way to cut the text in six, some thousand million of them.</summary>
    private const string SlowExpression = @"^(a+)(a+)(a+)(a+)(a+)(a+)\1\2\3\4\5\6b$";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table public.things (id int primary key, n int, s text);
            grant select on public.things to anon, authenticated;
            select serverless_realtime.enable('public.things', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_regex_that_backtracks_for_minutes_holds_up_nobody_else()
    {
        await using var slow = await ConnectAsync();
        await using var other = await ConnectAsync();
        using var answer = await PostAsync(slow, new { table = "things", filter = $"s=match.{Quoted(SlowExpression)}" });
        var id = (await other.JoinAsync("room", new { table = "things" }))[0];

        await _database.ExecuteAsync("insert into things values (1, 1, repeat('a', 201) || 'b'), (2, 2, 'a')");
        await _database.ExecuteAsync("insert into things values (3, 3, 'a')");

        (await IdsAsync(other, id, 3)).Should().Equal(1, 2, 3);
        if (answer.IsSuccessStatusCode)
        {
            await ExpectToldAsync(slow);
        }
        else
        {
            answer.StatusCode.Should().Be(HttpStatusCode.BadRequest, "a regex that is refused is refused as a bad filter");
        }
    }

    [Fact]
    public async Task A_filter_of_a_megabyte_is_refused()
    {
        await using var client = await ConnectAsync();
        using var answer = await PostAsync(client, new { table = "things", filter = "s=eq." + new string('x', 1 << 20) });
        await ExpectRefusedAsync(answer, HttpStatusCode.RequestEntityTooLarge, "BodyTooLarge");
        await ExpectAliveAsync(client);
    }

    [Theory]
    [InlineData(",")]
    [InlineData("or")]
    [InlineData("in")]
    public async Task Ten_thousand_conditions_are_refused(string kind)
    {
        await using var client = await ConnectAsync();
        var filter = kind switch
        {
            "or" => $"or=({string.Join(',', Enumerable.Repeat("n.eq.1", 10_000))})",
            "in" => $"n=in.({string.Join(',', Enumerable.Range(0, 10_000))})",
            _ => string.Join(',', Enumerable.Repeat("n=eq.1", 10_000)),
        };
        using var answer = await PostAsync(client, new { table = "things", filter });
        await ExpectRefusedAsync(answer, HttpStatusCode.BadRequest, "InvalidFilter");
        await ExpectAliveAsync(client);
    }

    [Fact]
    public async Task Deep_nesting_is_refused()
    {
        await using var client = await ConnectAsync();
        var filter = "or=" + string.Concat(Enumerable.Repeat("(or", 2_000)) + "(n.eq.1)" + new string(')', 2_000);
        using var answer = await PostAsync(client, new { table = "things", filter });
        await ExpectRefusedAsync(answer, HttpStatusCode.BadRequest, "InvalidFilter");
        await ExpectAliveAsync(client);
    }

    [Fact]
    public async Task A_dropped_column_ends_what_was_about_it_and_nothing_else()
    {
        await using var client = await ConnectAsync();
        var ids = await client.JoinAsync(
            "room",
            new { table = "things" },
            new { table = "things", filter = "n=eq.1" },
            new { table = "things", select = new[] { "n" } },
            new { table = "things", filter = "s=eq.a" });
        await _database.ExecuteAsync("insert into things values (1, 1, 'a')");
        await ReadUntilAllAsync(client, ids);

        await _database.ExecuteAsync("alter table things drop column n; insert into things values (2, 'a'), (3, 'b')");

        var received = await ReadUntilAsync(client, ids[0], 3);
        received[ids[0]].Should().Equal(2, 3);
        received[ids[3]].Should().Equal(2);
        received.GetValueOrDefault(ids[1], []).Should().BeEmpty("its condition cannot be judged any more");
    }

    [Theory]
    [InlineData("bigint", "n=eq.1", 2)]
    [InlineData("text", "n=eq.1", null)]
    [InlineData("numeric", "n=gt.0", 2)]
    public async Task An_altered_type_is_compared_as_it_is_now_or_not_at_all(string type, string filter, int? matching)
    {
        await using var client = await ConnectAsync();
        var ids = await client.JoinAsync("room", new { table = "things" }, new { table = "things", filter });
        await _database.ExecuteAsync("insert into things values (1, 1, 'a')");
        await ReadUntilAllAsync(client, ids);

        await _database.ExecuteAsync($"alter table things alter column n type {type} using n::{type}; insert into things values (2, '1', 'a'), (3, '-7', 'b')");

        var received = await ReadUntilAsync(client, ids[0], 3);
        received[ids[0]].Should().Equal(2, 3);
        received.GetValueOrDefault(ids[1], []).Should().BeSubsetOf(matching is { } id ? [id] : [2]);
    }

    [Theory]
    [InlineData("exists (select from things t where t.n = 1)")]
    [InlineData("deeper(n)")]
    public async Task A_policy_that_recurses_without_end_silences_its_own_table_and_role_only(string policy)
    {
        await _database.ExecuteAsync(
            $"""
            create table public.open (id int primary key);
            grant select on public.open to anon, authenticated;
            select serverless_realtime.enable('public.open');
            create function deeper(n int) returns boolean language plpgsql stable as $f$ begin return exists (select from things where deeper(things.n)); end $f$;
            alter table things enable row level security;
            create policy endless on things to anon using ({policy});
            create policy own on things to authenticated using (true);
            """);
        await using var caught = await ConnectAsync();
        await using var other = await RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", Ada));
        using var answer = await PostAsync(caught, new { table = "things" });
        var id = (await other.JoinAsync("room", new { table = "things" }))[0];

        await _database.ExecuteAsync("insert into things values (1, 1, 'a'), (2, 2, 'b')");
        await _database.ExecuteAsync("insert into things values (3, 3, 'c')");

        (await IdsAsync(other, id, 3)).Should().Equal(1, 2, 3);
        if (answer.IsSuccessStatusCode)
        {
            await ExpectToldAsync(caught);
        }

        caught.Hub.Waiting("postgres_changes").Should().Be(0);
        await caught.JoinAsync("alive", new { table = "open" });
        await _database.ExecuteAsync("insert into open values (1)");
        (await caught.Hub.NextAsync("postgres_changes", RealtimeClient.Limit))[0].GetProperty("table").GetString().Should().Be("open");
    }

    [Fact]
    public async Task Claims_of_eight_kilobytes_are_claims_like_others()
    {
        await _database.ExecuteAsync(
            "alter table things enable row level security; create policy listed on things using (s = any (array(select jsonb_array_elements_text(auth.jwt() -> 'lists'))))");
        var lists = Enumerable.Range(0, 800).Select(list => $"list-{list:0000}").ToArray();
        var token = Tokens.Sign(new { alg = "HS256" }, new { role = "authenticated", sub = Ada, exp = Tokens.Expiry(), lists });
        await using var client = await RealtimeClient.ConnectAsync(_app.Url, token);
        var id = (await client.JoinAsync("room", new { table = "things" }))[0];

        await _database.ExecuteAsync("insert into things values (1, 1, 'list-0799'), (2, 2, 'list-0800'), (3, 3, 'list-0000')");

        (await IdsAsync(client, id, 2)).Should().Equal(1, 3);
    }

    private Task<RealtimeClient> ConnectAsync() => RealtimeClient.ConnectAsync(_app.Url);

    private static Task<HttpResponseMessage> PostAsync(RealtimeClient client, object subscription) =>
        client.PostAsync("join", new { topic = "bad", config = new { postgres_changes = new[] { subscription } } });

    private static async Task<IReadOnlyList<int>> IdsAsync(RealtimeClient client, long id, int count) => [.. (await client.ChangesAsync(id, count)).Select(RowId)];

    // Rows by subscription. Batches are sent one after another: when a row that was written after the awaited one has come, so has all before it.
    private async Task<Dictionary<long, List<int>>> ReadUntilAsync(RealtimeClient client, long open, int row)
    {
        const int Sentinel = 1000;
        var received = new Dictionary<long, List<int>>();
        await ReadAsync(client, received, () => received.GetValueOrDefault(open, []).Contains(row));
        await _database.ExecuteAsync($"insert into things (id) values ({Sentinel})");
        await ReadAsync(client, received, () => received[open].Contains(Sentinel));
        foreach (var rows in received.Values)
        {
            rows.Remove(Sentinel);
        }

        return received;
    }

    private static Task ReadUntilAllAsync(RealtimeClient client, IReadOnlyList<long> ids)
    {
        var received = new Dictionary<long, List<int>>();
        return ReadAsync(client, received, () => ids.All(received.ContainsKey));
    }

    private static async Task ReadAsync(RealtimeClient client, Dictionary<long, List<int>> received, Func<bool> enough)
    {
        while (!enough())
        {
            var message = (await client.Hub.NextAsync("postgres_changes", RealtimeClient.Limit))[0];
            foreach (var id in message.GetProperty("ids").EnumerateArray().Select(id => id.GetInt64()))
            {
                received.TryAdd(id, []);
                received[id].AddRange(message.GetProperty("changes").EnumerateArray().Select(RowId));
            }
        }
    }

    private static async Task ExpectToldAsync(RealtimeClient client)
    {
        var told = (await client.Hub.NextAsync("system", RealtimeClient.Limit))[0];
        told.GetProperty("extension").GetString().Should().Be("postgres_changes");
        told.GetProperty("status").GetString().Should().Be("error");
    }

    private static async Task ExpectRefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string code)
    {
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        answer.StatusCode.Should().Be(status, "the answer was {0}", body);
        body.GetProperty("code").GetString().Should().Be(code);
    }

    private async Task ExpectAliveAsync(RealtimeClient client)
    {
        var id = (await client.JoinAsync("alive", new { table = "things" }))[0];
        await _database.ExecuteAsync("insert into things values (77, 7, 'x')");
        (await IdsAsync(client, id, 1)).Should().Equal(77);
    }

    private static int RowId(JsonElement change) => change.GetProperty("record").GetProperty("id").GetInt32();

    private static string Quoted(string value) => "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal) + "\"";
}
