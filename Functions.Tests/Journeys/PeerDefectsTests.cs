using System.Text.Json;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>
/// The four places where judging a change by the row as it is later, or all subscribers at once, goes wrong: what a commit did is told to
/// whom it concerns, to nobody else, and one subscriber's failure is its own.
/// </summary>
/// <remarks>That nothing came is proven by what was committed later and did.</remarks>
public sealed class PeerDefectsTests : IAsyncLifetime
{
    private const string Ada = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
    private const string Eve = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee";

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table public.notes (id int primary key, owner uuid not null, body text);
            alter table public.notes enable row level security;
            create policy own on public.notes for select to authenticated using (owner = (select auth.uid()));
            grant select on public.notes to authenticated;
            select serverless_realtime.enable('public.notes', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_row_that_is_gone_before_its_insert_is_read_is_told_of_all_the_same()
    {
        await using var ada = await ConnectAsync(Ada);
        await using var eve = await ConnectAsync(Eve);
        var (toAda, toEve) = (await JoinAsync(ada), await JoinAsync(eve));

        // One transaction: nobody but itself ever saw the row.
        await _database.ExecuteAsync($"begin; insert into notes values (1, '{Ada}', 'short'); delete from notes; commit");
        await _database.ExecuteAsync($"insert into notes values (2, '{Eve}', 'hers')");

        var changes = await ada.ChangesAsync(toAda, 2);
        changes.Select(Describe).Should().Equal("INSERT 1", "DELETE 1");
        changes[0].GetProperty("record").GetProperty("body").GetString().Should().Be("short");
        (await eve.ChangesAsync(toEve, 1)).Select(Describe).Should().Equal("INSERT 2");
    }

    [Fact]
    public async Task A_row_that_leaves_a_viewer_tells_its_old_viewer_the_key_and_its_new_viewer_nothing_of_before()
    {
        await using var ada = await ConnectAsync(Ada);
        await using var eve = await ConnectAsync(Eve);
        var (toAda, toEve) = (await JoinAsync(ada, leave: true), await JoinAsync(eve));
        await _database.ExecuteAsync($"insert into notes values (1, '{Ada}', 'ada''s secret')");
        await ada.ChangesAsync(toAda, 1);

        await _database.ExecuteAsync($"update notes set owner = '{Eve}', body = 'eve''s secret' where id = 1");

        var left = (await ada.ChangesAsync(toAda, 1))[0];
        Describe(left).Should().Be("DELETE 1");
        left.GetProperty("left").GetBoolean().Should().BeTrue();
        left.GetProperty("old_record").GetRawText().Should().Be("""{"id":1}""");
        left.GetRawText().Should().NotContain("eve");
        var entered = (await eve.ChangesAsync(toEve, 1))[0];
        Describe(entered).Should().Be("UPDATE 1");
        entered.GetProperty("record").GetProperty("body").GetString().Should().Be("eve's secret");
        entered.GetRawText().Should().NotContain("ada");
    }

    [Fact]
    public async Task Without_asking_for_it_an_old_viewer_is_told_nothing_of_a_row_that_leaves()
    {
        await using var ada = await ConnectAsync(Ada);
        var toAda = await JoinAsync(ada);
        await _database.ExecuteAsync($"insert into notes values (1, '{Ada}', null)");
        await ada.ChangesAsync(toAda, 1);

        await _database.ExecuteAsync($"update notes set owner = '{Eve}'; insert into notes values (2, '{Ada}', null)");

        (await ada.ChangesAsync(toAda, 1)).Select(Describe).Should().Equal("INSERT 2");
    }

    [Theory]
    [InlineData("full")]
    [InlineData("default")]
    public async Task The_key_of_a_deleted_row_goes_to_no_stranger(string identity)
    {
        await _database.ExecuteAsync($"alter table notes replica identity {identity}");
        await using var ada = await ConnectAsync(Ada);
        await using var eve = await ConnectAsync(Eve);
        var (toAda, toEve) = (await JoinAsync(ada), await JoinAsync(eve));
        await _database.ExecuteAsync($"insert into notes values (1, '{Ada}', null), (2, '{Eve}', null)");
        (await ada.ChangesAsync(toAda, 1)).Concat(await eve.ChangesAsync(toEve, 1)).Select(Describe).Should().Equal("INSERT 1", "INSERT 2");

        await _database.ExecuteAsync($"delete from notes; insert into notes values (3, '{Ada}', null), (4, '{Eve}', null)");

        // Where the old row is not whole nobody can be known not to be a stranger.
        string[] own = identity == "full" ? ["DELETE 1"] : [];
        string[] hers = identity == "full" ? ["DELETE 2"] : [];
        (await ada.ChangesAsync(toAda, own.Length + 1)).Select(Describe).Should().Equal([.. own, "INSERT 3"]);
        (await eve.ChangesAsync(toEve, hers.Length + 1)).Select(Describe).Should().Equal([.. hers, "INSERT 4"]);
    }

    [Fact]
    public async Task A_policy_that_fails_for_one_subscriber_silences_that_one_only_and_says_so()
    {
        await using var broken = await ConnectAsync("no-uuid");
        await using var ada = await ConnectAsync(Ada);
        var (toBroken, toAda) = (await JoinAsync(broken), await JoinAsync(ada));

        for (var id = 1; id <= 3; id++)
        {
            await _database.ExecuteAsync($"insert into notes values ({id}, '{Ada}', 'private {id}')");
        }

        (await ada.ChangesAsync(toAda, 3)).Select(Describe).Should().Equal("INSERT 1", "INSERT 2", "INSERT 3");
        var told = (await broken.Hub.NextAsync("system", RealtimeClient.Limit))[0];
        told.GetProperty("extension").GetString().Should().Be("postgres_changes");
        told.GetProperty("status").GetString().Should().Be("error");
        told.GetProperty("ids").EnumerateArray().Select(id => id.GetInt64()).Should().Contain(toBroken);
        told.GetRawText().Should().NotContain("private").And.NotContain(Ada);
        broken.Hub.Waiting("postgres_changes").Should().Be(0);
        ada.Hub.Waiting("system").Should().Be(0);
    }

    private Task<RealtimeClient> ConnectAsync(string subject) => RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", subject));

    private static async Task<long> JoinAsync(RealtimeClient client, bool leave = false) =>
        (await client.JoinAsync("notes", leave ? new { table = "notes", leave } : new { table = "notes" }))[0];

    private static string Describe(JsonElement change)
    {
        var row = change.TryGetProperty("record", out var record) ? record : change.GetProperty("old_record");
        return $"{change.GetProperty("type").GetString()} {row.GetProperty("id").GetInt32()}";
    }
}
