using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Channels;

public sealed class ExplainTests : IAsyncLifetime
{
    private const string Ada = "aaaaaaaa-0000-4000-8000-000000000001";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            $"""
            create table notes (id int primary key, owner uuid, body text, n int);
            alter table notes enable row level security;
            create policy own on notes for select to authenticated using (owner = auth.uid());
            grant select on notes to authenticated, service_role;
            create table staff (id int primary key, owner uuid, pay int);
            alter table staff enable row level security;
            create policy own on staff for select to authenticated using (owner = auth.uid() and pay < 10 / (pay - 5));
            grant select (id) on staff to authenticated;
            grant select on staff to service_role;
            create table slow (id int primary key);
            alter table slow enable row level security;
            create policy slow on slow for select to authenticated using ((select pg_sleep(60)) is not null);
            grant select on slow to authenticated;
            select serverless_realtime.enable('notes'), serverless_realtime.enable('staff'), serverless_realtime.enable('slow');
            insert into slow values (1);
            insert into staff values (1, 'aaaaaaaa-0000-4000-8000-000000000001', 5);
            insert into notes values (1, '{Ada}', 'hello', null), (2, 'bbbbbbbb-0000-4000-8000-000000000002', 'secret', 1);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Each_clause_has_its_verdict_and_the_index_is_named()
    {
        var answer = await ExplainAsync(Tokens.For("authenticated", Ada), new { table = "notes", filter = "body=like.h%,n=gt.1,body=match.^hel" }, new { id = 1 });

        answer.GetProperty("index").GetProperty("kind").GetString().Should().Be("equal");
        answer.GetProperty("index").GetProperty("columns")[0].GetString().Should().Be("owner");
        answer.GetProperty("policies").GetString().Should().StartWith("in memory");
        answer.GetProperty("shared_by_role").GetBoolean().Should().BeFalse();
        var row = answer.GetProperty("row");
        row.GetProperty("found").GetBoolean().Should().BeTrue();
        row.GetProperty("clauses").EnumerateArray()
            .Select(clause => clause.GetProperty("clause").GetString() + " " + (clause.TryGetProperty("verdict", out var verdict) ? verdict.GetRawText() : "unknown"))
            .Should().Equal("body=like.h% true", "n=gt.1 unknown", "body=match.^hel true");
        row.GetProperty("delivered").GetBoolean().Should().BeFalse();
        answer.GetProperty("notes")[0].GetString().Should().Contain("DELETE events");
        answer.TryGetProperty("policy_sql", out _).Should().BeFalse();
    }

    [Fact]
    public async Task A_row_out_of_sight_and_one_that_is_not_there_are_answered_alike()
    {
        var token = Tokens.For("authenticated", Ada);
        var hidden = (await ExplainAsync(token, new { table = "notes" }, new { id = 2 })).GetProperty("row").GetRawText();
        hidden.Should().Be((await ExplainAsync(token, new { table = "notes" }, new { id = 3 })).GetProperty("row").GetRawText());
        hidden.Should().Contain("\"found\":false").And.NotContain("secret");
    }

    [Fact]
    public async Task The_service_role_has_it_explained_for_another_and_is_shown_the_policies()
    {
        var claims = new { sub = Ada };
        var answer = await ExplainAsync(Tokens.For("service_role"), new { subscription = new { table = "notes" }, row = new { id = 1 }, role = "authenticated", claims });
        answer.GetProperty("policy_sql").GetString().Should().Contain("auth.uid()");
        answer.GetProperty("index").GetProperty("columns")[0].GetString().Should().Be("owner");
        answer.GetProperty("row").GetProperty("found").GetBoolean().Should().BeTrue();

        var of2 = await ExplainAsync(Tokens.For("service_role"), new { subscription = new { table = "notes" }, row = new { id = 2 }, claims = new { sub = Ada, role = "authenticated" } });
        of2.GetProperty("row").GetProperty("found").GetBoolean().Should().BeFalse("it is Bob's, and the claims name the role");
    }

    [Fact]
    public async Task Nobody_else_asks_for_another()
    {
        using var http = RealtimeClient.Http(_app.Url, Tokens.For("authenticated", Ada));
        foreach (var body in new object[] { new { subscription = new { table = "notes" }, role = "authenticated" }, new { subscription = new { table = "notes" }, claims = new { sub = Ada } } })
        {
            using var response = await http.PostAsJsonAsync("/realtime/v1/explain", body);
            response.StatusCode.Should().Be(HttpStatusCode.Forbidden);
            (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().Should().Be("ServiceRoleOnly");
        }
    }

    [Fact]
    public async Task A_column_is_named_to_those_only_who_may_read_it_and_an_error_told_to_the_service_role()
    {
        var subscription = new { table = "staff" };
        var answer = await ExplainAsync(Tokens.For("authenticated", Ada), subscription, null);
        answer.GetProperty("index").GetRawText().Should().Be("""{"kind":"equal","columns":["a column that you may not read"]}""");
        answer.GetRawText().Should().NotContain("owner").And.NotContain("pay");
        var trusted = await ExplainAsync(Tokens.For("service_role"), new { subscription, role = "authenticated", claims = new { sub = Ada } });
        trusted.GetProperty("index").GetProperty("columns")[0].GetString().Should().Be("owner");

        (await RefusedAsync(Tokens.For("authenticated", Ada), new { subscription, row = new { id = 1 } })).Should().Contain("22012").And.NotContain("division");
        (await RefusedAsync(Tokens.For("service_role"), new { subscription, row = new { id = 1 }, role = "authenticated", claims = new { sub = Ada } })).Should().Contain("division by zero");
    }

    [Fact]
    public async Task What_can_never_match_is_said_to()
    {
        var answer = await ExplainAsync(Tokens.For("authenticated", Ada), new { table = "notes", filter = "n=gt.2,n=lt.1" }, null);
        answer.GetProperty("index").GetRawText().Should().Be("""{"kind":"never","columns":[]}""");
        answer.GetProperty("cost").GetString().Should().Contain("no change can match");
    }

    [Fact]
    public async Task A_policy_without_end_is_explained_in_bounded_time()
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var answer = await ExplainAsync(Tokens.For("authenticated", Ada), new { table = "slow" }, new { id = 1 });
        var row = answer.GetProperty("row");
        row.GetProperty("found").GetBoolean().Should().BeFalse();
        row.GetProperty("failure").GetString().Should().Contain("57014").And.Contain("longer than is allowed");
        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData("""{}""", "InvalidBody")]
    [InlineData("""{"subscription":{}}""", "InvalidTable")]
    [InlineData("""{"subscription":{"table":"nothing"}}""", "UnknownTable")]
    [InlineData("""{"subscription":{"table":"notes"},"row":7}""", "InvalidRow")]
    [InlineData("""{"subscription":{"table":"notes"},"row":{"body":"x"}}""", "InvalidRow")]
    [InlineData("""{"subscription":{"table":"notes"},"row":{"id":"x; drop table notes"}}""", "InvalidRow")]
    [InlineData("""{"subscription":{"table":"notes"},"claims":7}""", "InvalidBody")]
    public async Task What_cannot_be_explained_says_why(string body, string code)
    {
        using var http = RealtimeClient.Http(_app.Url, body.Contains("claims", StringComparison.Ordinal) ? Tokens.For("service_role") : Tokens.For("authenticated", Ada));
        using var response = await http.PostAsync("/realtime/v1/explain", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
        response.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().Should().Be(code);
    }

    private Task<JsonElement> ExplainAsync(string token, object subscription, object? row) => ExplainAsync(token, new { subscription, row });

    private async Task<string> RefusedAsync(string token, object body)
    {
        using var http = RealtimeClient.Http(_app.Url, token);
        using var response = await http.PostAsJsonAsync("/realtime/v1/explain", body);
        response.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        return await response.Content.ReadAsStringAsync();
    }

    private async Task<JsonElement> ExplainAsync(string token, object body)
    {
        using var http = RealtimeClient.Http(_app.Url, token);
        using var response = await http.PostAsJsonAsync("/realtime/v1/explain", body);
        response.StatusCode.Should().Be(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }
}
