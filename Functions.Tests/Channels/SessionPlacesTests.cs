using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Serverless.Support;

namespace Serverless.Channels;

/// <summary>Who waits for whom when joins are few at a time: here, one.</summary>
public sealed class SessionPlacesTests : IAsyncLifetime
{
    private const int Absent = 120;

    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database, ObservedDelivery.Install, "--Realtime:JoinsAtOnce=1");
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key);
            grant select on todos to anon;
            select serverless_realtime.enable('todos', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Sessions_that_are_not_connected_take_no_place_from_one_that_is()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var sessions = await Task.WhenAll(Enumerable.Range(0, Absent).Select(_ => NegotiateAsync()));
        var absent = sessions.Select(session => session.Id).ToHashSet();
        var looked = new CountdownEvent(Absent);
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var seen = new ConcurrentDictionary<string, bool>();
        _app.App.Services.GetRequiredService<ObservedDelivery>().Looking = async (user, token) =>
        {
            if (absent.Contains(user) && seen.TryAdd(user, true))
            {
                if (looked.Signal())
                {
                    all.SetResult();
                }

                await goOn.Task.WaitAsync(token);
            }

            return null;
        };

        var waiting = sessions.Select(session => JoinAsync(session.Token)).ToArray();
        await all.Task.WaitAsync(RealtimeClient.Limit);
        var ids = await client.JoinAsync("room", new { table = "todos" });

        ids.Should().HaveCount(1);
        waiting.Should().NotContain(join => join.IsCompleted);
        goOn.SetResult();
        (await Task.WhenAll(waiting).WaitAsync(RealtimeClient.Limit)).Should().OnlyContain(status => status == HttpStatusCode.Conflict);
        looked.Dispose();
    }

    private async Task<(string Id, string Token)> NegotiateAsync()
    {
        using var http = RealtimeClient.Http(_app.Url);
        using var response = await http.PostAsync("/realtime/v1/negotiate", content: null);
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        return (body.GetProperty("session").GetString()!, body.GetProperty("sessionToken").GetString()!);
    }

    private async Task<HttpStatusCode> JoinAsync(string session)
    {
        using var http = RealtimeClient.Http(_app.Url);
        http.DefaultRequestHeaders.Add("x-realtime-session", session);
        using var response = await http.PostAsJsonAsync("/realtime/v1/channels/join", new { topic = "room" });
        return response.StatusCode;
    }
}
