using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Channels;

/// <summary>Promise 6: a subscription that can never fire, or only in part, says so when it is made, with the SQL that mends it.</summary>
public sealed class NotesTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table closed (id int primary key);
            alter table closed enable row level security;
            create table owned (id int primary key, owner uuid, body text);
            alter table owned enable row level security;
            create policy own on owned for select using (owner = auth.uid());
            create table plain (id int primary key, kind text);
            create table whole (id int primary key, kind text);
            grant select on closed, owned, plain, whole to anon;
            select serverless_realtime.enable('closed'), serverless_realtime.enable('owned'), serverless_realtime.enable('plain'), serverless_realtime.enable('whole', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Security_without_a_policy_for_the_role_is_named() =>
        (await NotesAsync(new { table = "closed" })).Should().ContainSingle(note => note.StartsWith("error No change", StringComparison.Ordinal) && note.Contains("create policy"));

    [Fact]
    public async Task Deletes_that_cannot_be_judged_are_named() =>
        (await NotesAsync(new { table = "owned", @event = "DELETE" }))
            .Should().ContainSingle(note => note.StartsWith("error DELETE", StringComparison.Ordinal) && note.Contains("alter table \"public\".\"owned\" replica identity full;"));

    [Fact]
    public async Task Filters_on_what_old_rows_lack_are_named_for_the_events_they_concern()
    {
        (await NotesAsync(new { table = "plain", @event = "INSERT", filter = "kind=eq.a" })).Should().BeEmpty();
        (await NotesAsync(new { table = "plain", @event = "UPDATE", filter = "kind=eq.a" })).Should().ContainSingle(note => note.Contains("larger than about 2 kB"));
        (await NotesAsync(new { table = "plain", filter = "kind=eq.a" })).Should().Contain(note => note.StartsWith("error DELETE", StringComparison.Ordinal) && note.Contains("'kind'"));
        (await NotesAsync(new { table = "whole", filter = "kind=eq.a" })).Should().BeEmpty();
    }

    [Fact]
    public async Task A_filter_that_no_index_serves_is_named() =>
        (await NotesAsync(new { table = "whole", filter = "kind=ilike.%a%" })).Should().ContainSingle(note => note.Contains("no condition that an index serves"));

    [Theory]
    [InlineData("kind=in.()")]
    [InlineData("id=gt.0,kind=in.()")]
    [InlineData("or=(kind.in.(),id.in.())")]
    public async Task A_filter_that_lets_no_row_through_is_named_and_lets_none_through(string filter)
    {
        (await NotesAsync(new { table = "whole", filter })).Should().ContainSingle(note => note.StartsWith("error No change", StringComparison.Ordinal) && note.Contains("empty list"));

        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = await client.JoinAsync("room", new { table = "whole", filter }, new { table = "whole" });
        ids[0].Should().NotBe(ids[1], "they do not receive the same");
        await _database.ExecuteAsync("insert into whole values (1, 'a'), (2, null)");
        await _database.ExecuteAsync("insert into whole values (3, 'end')");

        // Each message names the subscriptions that it is for, so those that came tell for which none did.
        var received = new List<int>();
        while (!received.Contains(3))
        {
            var message = (await client.Hub.NextAsync("postgres_changes", RealtimeClient.Limit))[0];
            message.GetProperty("ids").EnumerateArray().Select(id => id.GetInt64()).Should().Equal(ids[1]);
            received.AddRange(message.GetProperty("changes").EnumerateArray().Select(change => change.GetProperty("record").GetProperty("id").GetInt32()));
        }

        received.Should().Equal(1, 2, 3);
    }

    [Fact]
    public async Task A_filter_that_is_not_in_an_empty_list_lets_every_row_through() =>
        (await NotesAsync(new { table = "whole", filter = "kind=not.in.()" })).Should().BeEmpty();

    [Fact]
    public async Task Leaving_rows_that_the_log_does_not_describe_are_named() =>
        (await NotesAsync(new { table = "plain", leave = true })).Should().Contain(note => note.Contains("leave sight"));

    [Fact]
    public async Task Events_that_the_publication_leaves_out_are_named()
    {
        await _database.ExecuteAsync("alter publication supabase_realtime set (publish = 'insert')");
        (await NotesAsync(new { table = "whole" })).Should().HaveCount(2).And.OnlyContain(note => note.Contains("the publication leaves them out"));
        (await NotesAsync(new { table = "whole", @event = "INSERT" })).Should().BeEmpty();
    }

    /// <summary>The notes of a join, each with its status, but for the one that every join has.</summary>
    private async Task<IReadOnlyList<string>> NotesAsync(object subscription)
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        using var response = await client.PostAsync("join", new { topic = "room", config = new { postgres_changes = new[] { subscription } } });
        response.StatusCode.Should().Be(HttpStatusCode.OK);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        return [.. answer.GetProperty("system").EnumerateArray()
            .Select(note => $"{note.GetProperty("status").GetString()} {note.GetProperty("message").GetString()}")
            .Where(note => note != "ok Subscribed to PostgreSQL")];
    }
}
