using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Serverless.ChangeLog;
using Serverless.Support;

namespace Serverless.Streams;

/// <summary>A browser's <c>EventSource</c> follows a table, and misses nothing when its connection ends.</summary>
public sealed class StreamTests : IAsyncLifetime
{
    private const string Ann = "11111111-1111-4111-8111-111111111111";
    private const string Bob = "22222222-2222-4222-8222-222222222222";
    private const string Todos = "table=todos";

    /// <summary>So seldom that what arrives within a test's time was announced.</summary>
    private const string NoPolling = "--Streams:Poll=00:10:00";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database, NoPolling);
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key, owner uuid, title text);
            grant select on todos to anon, authenticated;
            alter table todos enable row level security;
            create policy own on todos for select using (owner = auth.uid() or owner is null);
            select serverless_realtime.enable('todos', true);
            """);
        await _database.WaitForSlotAsync();
        await Eventually.HoldsAsync(async () => await _database.ScalarAsync<string>("select epoch from serverless_realtime.capture_cursor()") is not null);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_change_is_an_event_without_a_name_that_says_what_a_channel_would_hear()
    {
        using var stream = await EventStream.OpenAsync(_app.Url, "schema=public&table=todos&event=*");
        stream.Response.Content.Headers.ContentType!.MediaType.Should().Be("text/event-stream");
        await InsertAsync("(1, null, 'a')");
        await _database.ExecuteAsync("update todos set title = 'b'; delete from todos");

        var inserted = await stream.NextAsync("message");
        inserted.Json.GetProperty("schema").GetString().Should().Be("public");
        inserted.Json.GetProperty("table").GetString().Should().Be("todos");
        inserted.Json.GetProperty("type").GetString().Should().Be("INSERT");
        inserted.Json.GetProperty("commit_timestamp").GetDateTime().Should().BeCloseTo(TimeProvider.System.GetUtcNow().UtcDateTime, TimeSpan.FromMinutes(1));
        inserted.Json.GetProperty("record").GetRawText().Should().Contain("\"a\"");
        inserted.Json.GetProperty("errors").ValueKind.Should().Be(JsonValueKind.Null);
        inserted.Id.Should().EndWith("/" + inserted.Json.GetProperty("position").GetString());
        (await stream.NextAsync("message")).Json.GetProperty("old_record").GetProperty("title").GetString().Should().Be("a");
        (await stream.NextAsync("message")).Json.GetProperty("type").GetString().Should().Be("DELETE");
    }

    [Fact]
    public async Task Only_what_the_filter_and_the_callers_policies_let_through_arrives()
    {
        using var ann = await EventStream.OpenAsync(_app.Url, $"{Todos}&event=INSERT&filter=title%3Dneq.hidden&access_token={Tokens.For("authenticated", Ann)}");
        using var anybody = await EventStream.OpenAsync(_app.Url, Todos);
        await InsertAsync($"(1, '{Bob}', 'his')", "(2, null, 'hidden')", $"(3, '{Ann}', 'hers')", "(4, null, 'all')");
        await _database.ExecuteAsync("update todos set title = 'new' where id = 4");
        await InsertAsync("(5, null, 'end')");

        (await ann.RowsAsync(3)).Should().Equal(3, 4, 5);
        (await anybody.RowsAsync(4)).Should().Equal(2, 4, 4, 5);
    }

    [Fact]
    public async Task A_right_that_is_lost_holds_from_the_next_change_on_and_is_told()
    {
        using var stream = await EventStream.OpenAsync(_app.Url, Todos);
        await InsertAsync("(1, null, 'a')");
        (await stream.RowsAsync(1)).Should().Equal(1);
        await _database.ExecuteAsync("revoke select on todos from anon");
        await InsertAsync("(2, null, 'b')");

        var told = await stream.NextAsync("system");
        told.Json.GetProperty("code").GetString().Should().Be("PrivilegeLost");
        await _database.ExecuteAsync("grant select on todos to anon");
        await InsertAsync("(3, null, 'c')");
        (await stream.RowsAsync(1)).Should().Equal(3);
    }

    [Fact]
    public async Task A_client_goes_on_at_another_instance_where_it_stopped_at_the_first()
    {
        // It does not say that it is ready, since clients of its embedded SignalR would hear nothing; streams do.
        await using var other = await RealtimeTestApp.StartWithoutWaitingAsync(_database, replace: null, "--Capture:Enabled=false", NoPolling);
        string? last;
        using (var first = await EventStream.OpenAsync(_app.Url, Todos))
        {
            await InsertAsync("(1, null, 'a')", "(2, null, 'b')");
            (await first.RowsAsync(2)).Should().Equal(1, 2);
            last = first.LastId;
        }

        await InsertAsync("(3, null, 'c')");
        using var second = await EventStream.OpenAsync(other.Url, Todos, last);
        (await second.RowsAsync(1)).Should().Equal(3);
        await InsertAsync("(4, null, 'd')");
        (await second.RowsAsync(1)).Should().Equal([4], "what one instance logs is announced to the other");

        using var third = await EventStream.OpenAsync(other.Url, $"{Todos}&lastEventId={Uri.EscapeDataString(last!)}");
        (await third.RowsAsync(2)).Should().Equal([3, 4], "the place may stand in the address");
    }

    [Fact]
    public async Task A_connection_that_ends_before_the_first_change_is_resumed_too()
    {
        string? last;
        using (var first = await EventStream.OpenAsync(_app.Url, Todos))
        {
            last = first.LastId;
        }

        await InsertAsync("(1, null, 'a')");
        using var second = await EventStream.OpenAsync(_app.Url, Todos, last);
        (await second.RowsAsync(1)).Should().Equal(1);
    }

    [Fact]
    public async Task A_place_of_another_epoch_is_a_gap_after_which_the_stream_goes_on()
    {
        using var stream = await EventStream.OpenAsync(_app.Url, Todos, "1-1-1/0/10:0");

        var gap = await stream.NextAsync("gap");
        gap.Json.GetProperty("reason").GetString().Should().Be("EpochChanged");
        gap.Json.GetProperty("message").GetString().Should().NotBeEmpty();
        gap.Id.Should().NotStartWith("1-1-1/");
        await InsertAsync("(1, null, 'a')");
        (await stream.RowsAsync(1)).Should().Equal(1);
    }

    [Fact]
    public async Task Changes_that_are_not_kept_any_more_are_a_gap()
    {
        string? last;
        using (var first = await EventStream.OpenAsync(_app.Url, Todos))
        {
            last = first.LastId;
            await InsertAsync("(1, null, 'a')");
            await first.RowsAsync(1);
        }

        await _database.ExecuteAsync("update serverless_realtime.change_log set logged_at = now() - interval '1 hour'");
        (await _app.App.Services.GetRequiredService<ChangeLogTrim>().TrimAsync(CancellationToken.None)).Should().BePositive();
        using var second = await EventStream.OpenAsync(_app.Url, Todos, last);

        (await second.NextAsync("gap")).Json.GetProperty("reason").GetString().Should().Be("WindowPassed");
        using var third = await EventStream.OpenAsync(_app.Url, Todos, second.LastId);
        await InsertAsync("(2, null, 'b')");
        (await third.RowsAsync(1)).Should().Equal([2], "the gap's id is a place to go on from");
    }

    [Fact]
    public async Task The_connection_that_listens_is_there_while_there_are_streams_and_is_opened_again_when_it_breaks()
    {
        const string Listening = "from pg_stat_activity where datname = current_database() and query = 'listen serverless_realtime_log'";
        using (var stream = await EventStream.OpenAsync(_app.Url, Todos))
        using (await EventStream.OpenAsync(_app.Url, Todos))
        {
            await InsertAsync("(1, null, 'a')");
            (await stream.RowsAsync(1)).Should().Equal(1);
            (await _database.ScalarAsync<long>("select count(*) " + Listening)).Should().Be(1);
            await _database.ExecuteAsync("select pg_terminate_backend(pid) " + Listening);
            await InsertAsync("(2, null, 'b')");
            (await stream.RowsAsync(1)).Should().Equal(2);
        }

        await Eventually.HoldsAsync(async () => await _database.ScalarAsync<long>("select count(*) " + Listening) == 0);
    }

    [Fact]
    public async Task A_reader_who_is_slow_is_waited_for_and_gets_everything_in_order()
    {
        using var stream = await EventStream.OpenAsync(_app.Url, Todos);
        await _database.ExecuteAsync("insert into todos select i, null, repeat('x', 2000) from generate_series(1, 6000) i");
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);

        (await stream.RowsAsync(6000)).Should().Equal(Enumerable.Range(1, 6000));
    }

    [Fact]
    public async Task Line_breaks_in_a_value_do_not_break_the_event()
    {
        await _database.ExecuteAsync("create table notes (id int primary key, body json); grant select on notes to anon; select serverless_realtime.enable('notes')");
        using var stream = await EventStream.OpenAsync(_app.Url, "table=notes");
        await _database.ExecuteAsync("insert into notes values (1, E'{\\n\"a\":\\r\\n\"x\\\\ny\"}')");

        (await stream.NextAsync("message")).Json.GetProperty("record").GetProperty("body").GetProperty("a").GetString().Should().Be("x\ny");
    }

    public static TheoryData<string, string?, int, string> Wrong => new()
    {
        { "", null, 400, "InvalidTable" },
        { "table=*", null, 400, "InvalidTable" },
        { "table=nothing", null, 400, "UnknownTable" },
        { "table=todos&schema=nowhere", null, 400, "UnknownSchema" },
        { "table=todos&event=TRUNCATE", null, 400, "InvalidEvent" },
        { "table=todos&filter=title%3Dlooks.good", null, 400, "InvalidFilter" },
        { "table=todos&access_token=nonsense", null, 401, "MalformedJWT" },
        { "table=todos&lastEventId=here", null, 400, "InvalidResume" },
        { "table=todos&lastEventId=a%0Adata:%20x/0/1:0", null, 400, "InvalidResume" },
        { "table=todos", "1-1-1/0/1", 400, "InvalidResume" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_makes_no_sense_is_refused_before_the_stream_begins(string query, string? lastId, int status, string code)
    {
        using var http = RealtimeClient.Http(_app.Url);
        using var response = await EventStream.GetAsync(http, query, lastId);

        ((int)response.StatusCode).Should().Be(status);
        (await CodeOf(response)).Should().Be(code);
    }

    [Fact]
    public async Task Nobody_streams_without_a_key()
    {
        using var http = new HttpClient { BaseAddress = _app.Url };
        using var response = await EventStream.GetAsync(http, Todos);

        response.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await CodeOf(response)).Should().Be("MissingToken");
    }

    internal static async Task<string?> CodeOf(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("code").GetString();

    private async Task InsertAsync(params string[] rows)
    {
        foreach (var row in rows)
        {
            await _database.ExecuteAsync($"insert into todos values {row}");
        }
    }
}
