using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Serverless.Calls;
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

    [Fact]
    public async Task Sessions_wait_for_a_place_and_not_for_one_another()
    {
        using var places = Places(atOnce: 600);
        var taken = new List<IDisposable>();

        // More than any number of queues that sessions could share without two of them meeting.
        foreach (var session in Enumerable.Range(0, 600).Select(_ => Guid.NewGuid()))
        {
            var place = places.TakeAsync(session, CancellationToken.None);
            place.IsCompletedSuccessfully.Should().BeTrue();
            taken.Add(await place);
        }

        taken.ForEach(place => place.Dispose());
    }

    [Fact]
    public async Task Of_one_session_so_many_wait_and_one_more_is_told_to_come_back()
    {
        using var places = Places(atOnce: 4);
        var session = Guid.NewGuid();
        var working = await places.TakeAsync(session, CancellationToken.None);
        using var giveUp = new CancellationTokenSource();
        var waiting = Enumerable.Range(0, SessionPlaces.MostOfSession).Select(turn => places.TakeAsync(session, turn == 0 ? giveUp.Token : CancellationToken.None)).ToList();
        waiting.Should().NotContain(place => place.IsCompleted);

        await ExpectRefusedAsync(places, session);
        (await places.TakeAsync(Guid.NewGuid(), CancellationToken.None)).Dispose();

        // Who gives up makes room, and so does who is done.
        await giveUp.CancelAsync();
        await waiting[0].Awaiting(place => place).Should().ThrowAsync<OperationCanceledException>();
        waiting[0] = places.TakeAsync(session, CancellationToken.None);
        await ExpectRefusedAsync(places, session);
        working.Dispose();
        for (var count = waiting.Count; count > 0; count--)
        {
            var next = await Task.WhenAny(waiting).WaitAsync(RealtimeClient.Limit);
            waiting.Remove(next);
            waiting.Should().NotContain(place => place.IsCompleted, "one call of a session works at a time");
            (await next).Dispose();
        }

        (await places.TakeAsync(session, CancellationToken.None)).Dispose();
    }

    [Fact]
    public async Task Of_all_sessions_so_many_wait_and_one_more_is_told_to_come_back()
    {
        using var places = Places(atOnce: 1);
        var working = await places.TakeAsync(Guid.NewGuid(), CancellationToken.None);
        var waiting = Enumerable.Range(0, SessionPlaces.Most).Select(_ => places.TakeAsync(Guid.NewGuid(), CancellationToken.None)).ToList();

        await ExpectRefusedAsync(places, Guid.NewGuid());
        working.Dispose();
        foreach (var place in waiting)
        {
            (await place.WaitAsync(RealtimeClient.Limit)).Dispose();
        }

        (await places.TakeAsync(Guid.NewGuid(), CancellationToken.None)).Dispose();
    }

    private static SessionPlaces Places(int atOnce) => new(Options.Create(new ChannelOptions { JoinsAtOnce = atOnce }));

    private static async Task ExpectRefusedAsync(SessionPlaces places, Guid session)
    {
        var refused = (await places.Awaiting(all => all.TakeAsync(session, CancellationToken.None).WaitAsync(RealtimeClient.Limit)).Should().ThrowAsync<RefusedCallException>()).Which;
        (refused.Answer.StatusCode, refused.Answer.Code).Should().Be((429, "TooManyCalls"));
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
