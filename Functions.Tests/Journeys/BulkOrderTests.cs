using System.Text.Json;
using Npgsql;
using Serverless.EmbeddedSignalR;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>Ten thousand rows arrive complete and in order, through each delivery.</summary>
public abstract class BulkOrderTests : IAsyncLifetime
{
    private const int Rows = 10_000;

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public virtual async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database, Settings());
        await _database.ExecuteAsync(
            """
            create table public.bulk (id int primary key, text text not null);
            grant select on public.bulk to anon;
            select serverless_realtime.enable('public.bulk');
            """);
    }

    public virtual async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Of_one_transaction()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = await client.JoinAsync("room", new { @event = "INSERT", table = "bulk" });

        await _database.ExecuteAsync($"insert into bulk select n, repeat('x', 100) || n from generate_series(1, {Rows}) n");

        await ExpectAllAsync(client, ids[0]);
    }

    [Fact]
    public async Task Of_ten_thousand_transactions()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = await client.JoinAsync("room", new { @event = "INSERT", table = "bulk" });

        await using var connection = await _database.DataSource.OpenConnectionAsync();
        await using var command = new NpgsqlCommand("insert into bulk values ($1, 'x')", connection);
        var id = new NpgsqlParameter<int>();
        command.Parameters.Add(id);
        await command.PrepareAsync();
        for (id.TypedValue = 1; id.TypedValue <= Rows; id.TypedValue++)
        {
            await command.ExecuteNonQueryAsync();
        }

        await ExpectAllAsync(client, ids[0]);
    }

    private protected abstract string[] Settings();

    private async Task ExpectAllAsync(RealtimeClient client, long id)
    {
        var last = await ExpectAsync(client, id, 1, Rows, last: null);

        // A repeat of one of them, however late it is sent, comes before a row that is written when all have come.
        await _database.ExecuteAsync($"insert into bulk values ({Rows + 1}, 'the end')");
        await ExpectAsync(client, id, Rows + 1, Rows + 1, last);
        client.Hub.Waiting("postgres_changes").Should().Be(0);
        _app.Logs.Warnings.Should().BeEmpty();
    }

    /// <param name="last">The position of the row before the first.</param>
    /// <returns>The position of the last row.</returns>
    private static async Task<string?> ExpectAsync(RealtimeClient client, long id, int from, int to, string? last)
    {
        for (var expected = from; expected <= to;)
        {
            var message = (await client.Hub.NextAsync("postgres_changes", RealtimeClient.Limit))[0];
            message.GetProperty("ids")[0].GetInt64().Should().Be(id);
            if (last is not null && message.GetProperty("previous") is { ValueKind: JsonValueKind.String } previous)
            {
                previous.GetString().Should().Be(last, "each message names the one before it");
            }

            foreach (var change in message.GetProperty("changes").EnumerateArray())
            {
                change.GetProperty("record").GetProperty("id").GetInt32().Should().Be(expected++);
                last = change.GetProperty("position").GetString();
            }
        }

        return last;
    }
}

public sealed class EmbeddedBulkOrderTests : BulkOrderTests
{
    private protected override string[] Settings() => [];
}

public sealed class RestBulkOrderTests : BulkOrderTests
{
    private SignalRProcess _signalR = null!;

    public override async Task InitializeAsync()
    {
        _signalR = await SignalRProcess.StartAsync();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _signalR.DisposeAsync();
    }

    private protected override string[] Settings() => [$"--AzureSignalRConnectionString={_signalR.ConnectionString}"];
}
