using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>A subscription that can never fire, or only in part, says so when it is made; one that is cut off later is told then.</summary>
public sealed class TellingTests : IAsyncLifetime
{
    private const string Ada = "aaaaaaaa-0000-4000-8000-000000000001";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;
    private RealtimeClient _ada = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        _ada = await RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", Ada));
    }

    public async Task DisposeAsync()
    {
        await _ada.DisposeAsync();
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_partitioned_table_says_how_its_changes_get_its_name()
    {
        await _database.ExecuteAsync(
            """
            create table parts (id int, k int, primary key (id, k)) partition by range (k);
            create table parts_1 partition of parts for values from (0) to (10);
            grant select on parts, parts_1 to authenticated;
            select serverless_realtime.enable('parts');
            """);
        var refused = await RefusedAsync(new { table = "parts" });
        refused.Should().StartWith("TableNotPublished").And.Contain("partitioned").And.NotContain("add table");

        await _database.ExecuteAsync(Statement(refused, "alter publication"));

        var id = (await _ada.JoinAsync("room", new { table = "parts" }))[0];
        await _database.ExecuteAsync("insert into parts values (1, 1)");
        (await _ada.ChangesAsync(id, 1))[0].GetProperty("record").GetRawText().Should().Be("""{"id":1,"k":1}""");
        (await RefusedAsync(new { table = "parts_1" })).Should().Contain("is a partition of public.parts").And.NotContain("add table");
    }

    [Fact]
    public async Task Tables_that_inherit_are_named_to_whoever_subscribes_to_their_parent()
    {
        await _database.ExecuteAsync(
            """
            create table base (id int primary key);
            create table kid (extra text, primary key (id)) inherits (base);
            create table "Grand kid" (primary key (id)) inherits (kid);
            create table secret_kid (primary key (id)) inherits (base);
            grant select on base, kid, "Grand kid" to authenticated;
            select serverless_realtime.enable('base');
            """);
        var notes = await NotesAsync(new { table = "base" });
        notes.Should().ContainSingle(note => note.Contains("inherit from", StringComparison.Ordinal))
            .Which.Should().Contain("public.\"Grand kid\", public.kid").And.NotContain("secret");
        await _database.ExecuteAsync("create table alone (id int primary key); grant select on alone to authenticated; select serverless_realtime.enable('alone')");
        (await NotesAsync(new { table = "alone" })).Should().NotContain(note => note.Contains("inherit", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_filter_is_outdated_when_its_column_is_compared_in_another_collation()
    {
        await _database.ExecuteAsync("create table things (id int primary key, s text collate \"C\"); grant select on things to authenticated; select serverless_realtime.enable('things')");
        var id = (await _ada.JoinAsync("room", new { table = "things", filter = "s=lt.B" }))[0];
        await _database.ExecuteAsync("insert into things values (1, 'A')");
        (await _ada.ChangesAsync(id, 1)).Should().ContainSingle();

        // By its bytes 'a' comes after 'B', by the alphabet before it.
        await _database.ExecuteAsync("alter table things alter column s type text collate \"en-x-icu\"; insert into things values (2, 'a')");

        (await NoticeAsync()).Should().StartWith("FilterOutdated").And.Contain("collation");
        id = (await _ada.JoinAsync("room", new { table = "things", filter = "s=lt.B" }))[0];
        await _database.ExecuteAsync("insert into things values (3, 'a')");
        (await _ada.ChangesAsync(id, 1))[0].GetProperty("record").GetProperty("id").GetInt32().Should().Be(3);
    }

    [Fact]
    public async Task A_filter_is_outdated_when_a_label_that_it_names_is_renamed_and_not_when_others_come()
    {
        await _database.ExecuteAsync(
            """
            create type mood as enum ('sad', 'ok');
            create domain feeling as mood;
            create table things (id int primary key, m feeling); grant select on things to authenticated; select serverless_realtime.enable('things');
            """);
        var id = (await _ada.JoinAsync("room", new { table = "things", filter = "m=neq.ok" }))[0];
        await _database.ExecuteAsync("alter type mood add value 'glad'");
        await _database.ExecuteAsync("alter type mood rename value 'sad' to 'blue'; insert into things values (1, 'glad')");
        (await _ada.ChangesAsync(id, 1)).Should().ContainSingle();

        await _database.ExecuteAsync("alter type mood rename value 'ok' to 'fine'; insert into things values (2, 'fine')");

        (await NoticeAsync()).Should().StartWith("FilterOutdated").And.Contain("label");
        _ada.Hub.Waiting("postgres_changes").Should().Be(0, "what the filter means now nobody knows");
    }

    [Fact]
    public async Task Whether_json_is_null_is_told_only_as_far_as_the_log_tells_it()
    {
        await _database.ExecuteAsync("create table docs (id int primary key, d jsonb); grant select on docs to authenticated; select serverless_realtime.enable('docs')");
        (await NotesAsync(new { table = "docs", filter = "d=is.null" })).Should().Contain(note => note.Contains("true of no row", StringComparison.Ordinal))
            .And.Contain(note => note.Contains("'d' is null", StringComparison.Ordinal));
        (await NotesAsync(new { table = "docs", filter = "d=isdistinct.null" })).Should().Contain(note => note.Contains("'d' is null", StringComparison.Ordinal));
        (await NotesAsync(new { table = "docs", filter = "d=isdistinct.5" })).Should().NotContain(note => note.Contains("'d' is null", StringComparison.Ordinal));
        var ids = await _ada.JoinAsync(
            "all",
            new { table = "docs", filter = "d=is.null" },
            new { table = "docs", filter = "d=not.is.null" },
            new { table = "docs", filter = "d=eq.null" },
            new { table = "docs", filter = "d=isdistinct.null" },
            new { table = "docs", filter = "d=isdistinct.5" },
            new { table = "docs", filter = "or=(d.is.null,id.gt.2)" });

        await _database.ExecuteAsync("insert into docs values (1, 'null'), (2, null), (3, '1')");

        await HandledAsync("insert into docs values (4, '5')");
        var told = new Dictionary<long, List<int>>();
        while (_ada.Hub.Waiting("postgres_changes") > 0 || told.Values.Sum(rows => rows.Count) < 9)
        {
            var message = (await _ada.Hub.NextAsync("postgres_changes", RealtimeClient.Limit))[0];
            var rows = message.GetProperty("changes").EnumerateArray().Select(change => change.GetProperty("record").GetProperty("id").GetInt32());
            told[message.GetProperty("ids")[0].GetInt64()] = [.. told.GetValueOrDefault(message.GetProperty("ids")[0].GetInt64(), []), .. rows];
        }

        // What SQL says of 1 and 2 is known only where it says the same of both.
        told.Should().NotContainKeys(ids[0], ids[2]);
        told[ids[1]].Should().Equal(3, 4);
        told[ids[3]].Should().Equal(3, 4);
        told[ids[4]].Should().Equal(1, 2, 3);
        told[ids[5]].Should().Equal(3, 4);
        (await _database.ScalarAsync<string>("select string_agg(id::text, ' ' order by id) from docs where d is distinct from '5'")).Should().Be("1 2 3");
    }

    [Fact]
    public async Task Whoever_may_read_the_table_no_longer_is_told()
    {
        await _database.ExecuteAsync(
            """
            create table things (id int primary key); grant select on things to authenticated;
            create table notes (id int primary key); alter table notes enable row level security; create policy everybody on notes using (true); grant select on notes to authenticated;
            select serverless_realtime.enable('things'), serverless_realtime.enable('notes');
            """);
        var id = (await _ada.JoinAsync("one", new { table = "things" }))[0];
        var all = (await _ada.JoinAsync("all", new { schema = "public" }))[0];
        await _database.ExecuteAsync("insert into notes values (1)");
        (await _ada.ChangesAsync(all, 1)).Should().ContainSingle();

        await _database.ExecuteAsync("revoke select on things from authenticated; insert into things values (1)");
        var notice = (await _ada.Hub.NextAsync("system", RealtimeClient.Limit))[0];
        notice.GetProperty("code").GetString().Should().Be("PrivilegeLost");
        notice.GetProperty("ids")[0].GetInt64().Should().Be(id, "the other never received anything of this table");
        notice.GetProperty("message").GetString().Should().Contain("grant select on \"public\".\"things\" to \"authenticated\";");

        await _database.ExecuteAsync("drop policy everybody on notes; insert into notes values (2)");
        notice = (await _ada.Hub.NextAsync("system", RealtimeClient.Limit))[0];
        notice.GetProperty("ids")[0].GetInt64().Should().Be(all);
        notice.GetProperty("message").GetString().Should().Contain("no policy lets role");

        await _database.ExecuteAsync("grant select on things to authenticated; insert into things values (2)");
        (await RowsAsync(id, 1)).Should().Equal(2);
        await HandledAsync("insert into notes values (3)");
        _ada.Hub.Waiting("system").Should().Be(0);
    }

    [Fact]
    public async Task Columns_and_keys_that_never_arrive_are_said_to()
    {
        await _database.ExecuteAsync(
            """
            create table made (id int primary key, n int, g int generated always as (n * 2) stored, x int);
            create table nokey (a int);
            create table hiddenkey (id int primary key, s text);
            grant select on made, nokey to authenticated; grant select (s) on hiddenkey to authenticated;
            alter publication supabase_realtime add table made (id, n), nokey, hiddenkey;
            """);
        (await NotesAsync(new { table = "made", select = new[] { "g", "x" } })).Should()
            .Contain(note => note.Contains("'g' will not arrive", StringComparison.Ordinal))
            .And.Contain(note => note.Contains("'x' will not arrive", StringComparison.Ordinal));
        (await NotesAsync(new { table = "made", select = new[] { "n" } })).Should().NotContain(note => note.Contains("will not arrive", StringComparison.Ordinal));
        (await NotesAsync(new { table = "nokey" })).Should().Contain(note => note.Contains("Error 400", StringComparison.Ordinal))
            .Which.Should().Contain("alter table \"public\".\"nokey\" add primary key");
        (await NotesAsync(new { table = "hiddenkey" })).Should().Contain(note => note.Contains("Error 401", StringComparison.Ordinal))
            .Which.Should().Contain("grant select (...) on \"public\".\"hiddenkey\"").And.NotContain("'id'");
        (await NotesAsync(new { table = "made", filter = "id=in.()" })).Should().Contain(note => note.Contains("true of no row", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_empty_list_selects_no_row()
    {
        await _database.ExecuteAsync("create table things (id int primary key, n int); grant select on things to authenticated; select serverless_realtime.enable('things')");
        var ids = await _ada.JoinAsync("room", new { table = "things", filter = "id=in.()" }, new { table = "things", filter = "id=gt.0" });

        await _database.ExecuteAsync("insert into things values (1)");

        var message = (await _ada.Hub.NextAsync("postgres_changes", RealtimeClient.Limit))[0];
        message.GetProperty("ids")[0].GetInt64().Should().Be(ids[1]);
        await HandledAsync("insert into things values (2)");
        (await RowsAsync(ids[1], 1)).Should().Equal(2);
        _ada.Hub.Waiting("postgres_changes").Should().Be(0);
    }

    [Fact]
    public async Task Notes_do_not_name_columns_that_the_role_may_not_read()
    {
        await _database.ExecuteAsync(
            """
            create table notes (id int primary key, owner uuid, hidden text, plain text); alter table notes enable row level security;
            create policy own on notes using (owner = auth.uid() and hidden <> 'q' and plain <> 'q');
            grant select (id, plain) on notes to authenticated; select serverless_realtime.enable('notes');
            """);
        var notes = await NotesAsync(new { table = "notes" });
        notes.Should().Contain(note => note.Contains("'plain', a column that you may not read", StringComparison.Ordinal));
        notes.Should().NotContain(note => note.Contains("hidden", StringComparison.Ordinal) || note.Contains("owner", StringComparison.Ordinal));
    }

    private async Task<string> RefusedAsync(object subscription)
    {
        using var response = await _ada.PostAsync("join", new { topic = "refused", config = new { postgres_changes = new[] { subscription } } });
        response.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        return $"{body.GetProperty("code").GetString()}: {body.GetProperty("message").GetString()}";
    }

    private async Task<IReadOnlyList<string>> NotesAsync(object subscription)
    {
        using var response = await _ada.PostAsync("join", new { topic = "noted", config = new { postgres_changes = new[] { subscription } } });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.StatusCode.Should().Be(HttpStatusCode.OK, body.GetRawText());
        IReadOnlyList<string> notes = [.. body.GetProperty("system").EnumerateArray().Select(note => note.GetProperty("message").GetString()!)];
        using var left = await _ada.PostAsync("leave", new { topic = "noted" });
        return notes;
    }

    private async Task<string> NoticeAsync()
    {
        var notice = (await _ada.Hub.NextAsync("system", RealtimeClient.Limit))[0];
        return $"{notice.GetProperty("code").GetString()}: {notice.GetProperty("message").GetString()}";
    }

    private async Task<IReadOnlyList<int>> RowsAsync(long id, int count) =>
        [.. (await _ada.ChangesAsync(id, count)).Select(change => change.GetProperty("record").GetProperty("id").GetInt32())];

    private async Task HandledAsync(string sql)
    {
        var before = await _database.ScalarAsync<string>("select pg_current_wal_insert_lsn()::text");
        await _database.ExecuteAsync(sql);
        await Eventually.HoldsAsync(() => _database.ScalarAsync<bool>(
            $"select exists (select from serverless_realtime.partition_state where split_part(sent, ':', 1)::pg_lsn > '{before}')"));
    }

    // The statement that a message tells the developer to run.
    private static string Statement(string message, string beginning)
    {
        var start = message.IndexOf(beginning, StringComparison.Ordinal);
        return message[start..(message.IndexOf(';', start) + 1)];
    }
}
