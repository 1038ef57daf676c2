using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Serverless.Support;

namespace Serverless.Streams;

/// <summary>How long a stream lives, how it shows that it does, and how many there may be.</summary>
public sealed class StreamLifeTests : IAsyncLifetime
{
    private const string Todos = "table=todos";

    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task A_quiet_stream_shows_that_it_is_alive_and_how_far_it_has_come()
    {
        await using var app = await StartAsync("--Streams:KeepAlive=00:00:00.200");
        using var stream = await EventStream.OpenAsync(app.Url, Todos + "&filter=id%3Dgt.100");
        var begin = stream.LastId;

        await stream.NextAsync(EventStream.Comment);
        stream.LastId.Should().Be(begin);
        await _database.ExecuteAsync("insert into todos values (1)");

        // Rows that are not for it move its place on, so that a reconnect does not look for them again when they are kept no more.
        (await stream.NextAsync(EventStream.Place)).Id.Should().NotBe(begin);
        await _database.ExecuteAsync("insert into todos values (101)");
        (await stream.RowsAsync(1)).Should().Equal(101);
    }

    [Fact]
    public async Task A_stream_ends_in_order_after_its_lifetime_and_is_resumed()
    {
        await using var app = await StartAsync("--Streams:Lifetime=00:00:01");
        using var stream = await EventStream.OpenAsync(app.Url, Todos);
        while (await stream.NextAsync() is { } next)
        {
            next.Name.Should().BeOneOf(EventStream.Comment, EventStream.Place, "system");
        }

        await _database.ExecuteAsync("insert into todos values (1)");
        using var second = await EventStream.OpenAsync(app.Url, Todos, stream.LastId);
        (await second.RowsAsync(1)).Should().Equal(1);
    }

    [Fact]
    public async Task A_token_that_expires_ends_the_stream_and_says_so()
    {
        await using var app = await StartAsync();
        var token = Tokens.For("anon", lifetime: TimeSpan.FromSeconds(3));
        using var stream = await EventStream.OpenAsync(app.Url, $"{Todos}&access_token={token}");

        (await stream.NextAsync("system")).Json.GetProperty("code").GetString().Should().Be("TokenExpired");
        while (await stream.NextAsync() is not null)
        {
        }

        using var http = RealtimeClient.Http(app.Url);
        using var again = await EventStream.GetAsync(http, $"{Todos}&access_token={token}", stream.LastId);
        again.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Beyond_the_most_a_stream_is_refused_until_another_client_has_gone()
    {
        await using var app = await StartAsync("--Streams:MaxStreams=1");
        using var http = RealtimeClient.Http(app.Url);
        using (await EventStream.OpenAsync(app.Url, Todos))
        {
            using var refused = await EventStream.GetAsync(http, Todos);
            refused.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
            refused.Headers.RetryAfter!.Delta.Should().BePositive();
            (await StreamTests.CodeOf(refused)).Should().Be("TooManyStreams");
        }

        // One that is refused for another reason holds no place either.
        await Eventually.HoldsAsync(() => app.App.Services.GetRequiredService<StreamSlots>().Taken == 0);
        using (var unknown = await EventStream.GetAsync(http, "table=nothing"))
        {
            unknown.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        }

        using var next = await EventStream.OpenAsync(app.Url, Todos);
        await _database.ExecuteAsync("insert into todos values (1)");
        (await next.RowsAsync(1)).Should().Equal(1);
    }

    [Fact]
    public async Task A_process_that_stops_ends_its_streams_at_once()
    {
        var app = await StartAsync();
        using var stream = await EventStream.OpenAsync(app.Url, Todos);

        await app.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(8));

        while (await stream.NextAsync() is { } next)
        {
            next.Name.Should().BeOneOf(EventStream.Comment, EventStream.Place, "system");
        }
    }

    private async Task<RealtimeTestApp> StartAsync(params string[] settings)
    {
        var app = await RealtimeTestApp.StartAsync(_database, settings);
        await _database.ExecuteAsync("create table todos (id int primary key); grant select on todos to anon; select serverless_realtime.enable('todos')");
        await _database.WaitForSlotAsync();
        await Eventually.HoldsAsync(async () => await _database.ScalarAsync<string>("select epoch from serverless_realtime.capture_cursor()") is not null);
        return app;
    }
}
