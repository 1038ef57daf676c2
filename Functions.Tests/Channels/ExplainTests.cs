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
            create policy all_of_it on notes for select to service_role using (true);
            grant select on notes to authenticated, service_role;
            select serverless_realtime.enable('notes');
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
    public async Task The_service_role_is_shown_the_policies() =>
        (await ExplainAsync(Tokens.For("service_role"), new { table = "notes" }, null)).GetProperty("policy_sql").GetString().Should().Contain("true");

    [Theory]
    [InlineData("""{}""", "InvalidBody")]
    [InlineData("""{"subscription":{}}""", "InvalidTable")]
    [InlineData("""{"subscription":{"table":"nothing"}}""", "UnknownTable")]
    [InlineData("""{"subscription":{"table":"notes"},"row":7}""", "InvalidRow")]
    [InlineData("""{"subscription":{"table":"notes"},"row":{"body":"x"}}""", "InvalidRow")]
    [InlineData("""{"subscription":{"table":"notes"},"row":{"id":"x; drop table notes"}}""", "InvalidRow")]
    public async Task What_cannot_be_explained_says_why(string body, string code)
    {
        using var http = RealtimeClient.Http(_app.Url, Tokens.For("authenticated", Ada));
        using var response = await http.PostAsync("/realtime/v1/explain", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
        response.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().Should().Be(code);
    }

    private async Task<JsonElement> ExplainAsync(string token, object subscription, object? row)
    {
        using var http = RealtimeClient.Http(_app.Url, token);
        using var response = await http.PostAsJsonAsync("/realtime/v1/explain", new { subscription, row });
        response.StatusCode.Should().Be(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }
}
