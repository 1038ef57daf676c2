using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Channels;

/// <summary>In a call for several channels, what fails for one of them in the database is that one's own answer, foreseen or not.</summary>
public sealed class ChannelFailureTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key);
            grant select on todos to anon;
            select serverless_realtime.enable('todos');

            alter function serverless_realtime.join_channel rename to join_channel_in_truth;
            create function serverless_realtime.join_channel(uuid, text, text, boolean, text, bytea, text, timestamptz, text, boolean, text[], int)
            returns text[] language plpgsql as $$
            begin
              if $3 = 'refused' then
                raise exception 'a private detail' using errcode = '22021';
              end if;
              return case when $3 <> 'broken' then serverless_realtime.join_channel_in_truth($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) end;
            end $$;
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_failure_that_nobody_foresaw_is_logged_and_costs_the_other_channels_nothing()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);

        var channels = await JoinAsync(client, "broken");

        channels.Select(channel => channel.GetProperty("status").GetString()).Should().Equal("ok", "error", "ok");
        channels[1].GetProperty("statusCode").GetInt32().Should().Be(500);
        channels[1].GetProperty("code").GetString().Should().Be("InternalError");
        _app.Logs.Warnings.Should().ContainSingle().Which.Should().Contain("ChannelBroken").And.Contain("Exception");
        await ExpectChangesAsync(client, channels);
    }

    [Fact]
    public async Task A_value_that_PostgreSQL_does_not_take_is_the_callers_fault_and_not_tried_again()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);

        var channels = await JoinAsync(client, "refused");

        channels.Select(channel => channel.GetProperty("status").GetString()).Should().Equal("ok", "error", "ok");
        channels[1].GetProperty("statusCode").GetInt32().Should().Be(400);
        channels[1].GetProperty("code").GetString().Should().Be("InvalidValue");
        channels[1].GetProperty("message").GetString().Should().Contain("22021").And.NotContain("private detail");
        _app.Logs.Warnings.Should().BeEmpty();
        await ExpectChangesAsync(client, channels);
    }

    private static async Task<IReadOnlyList<JsonElement>> JoinAsync(RealtimeClient client, string topic)
    {
        using var response = await client.PostAsync("join", new { channels = new[] { Channel("before"), Channel(topic), Channel("after") } });
        response.StatusCode.Should().Be(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        return [.. (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("channels").EnumerateArray()];
    }

    private async Task ExpectChangesAsync(RealtimeClient client, IReadOnlyList<JsonElement> channels)
    {
        await _database.ExecuteAsync("insert into todos values (1)");
        (await client.ChangesAsync(channels[2].GetProperty("postgres_changes")[0].GetProperty("id").GetInt64(), 1)).Should().HaveCount(1);
    }

    private static object Channel(string topic) => new { topic, config = new { postgres_changes = new[] { new { table = "todos" } } } };
}
