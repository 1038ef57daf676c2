using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Serverless.Auth;
using Serverless.Delivery;
using Serverless.EmbeddedSignalR;
using Serverless.Subscriptions.Matching;
using Serverless.Support;

namespace Serverless.Channels;

/// <summary>What becomes of a session's registrations and groups when something happens in the middle of a call that changes them.</summary>
public sealed class ChannelChangesTests : IAsyncLifetime
{
    private readonly RequestWatch _requests = new();
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;
    private ObservedDelivery _delivery = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(
            _database,
            builder =>
            {
                ObservedDelivery.Install(builder);
                builder.Services.AddSingleton<IStartupFilter>(_requests);
            });
        _delivery = _app.App.Services.GetRequiredService<ObservedDelivery>();
        await _database.ExecuteAsync(
            """
            create table todos (id int primary key);
            grant select on todos to anon, authenticated;
            select serverless_realtime.enable('todos', true);
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    public static TheoryData<string, string> Calls => new()
    {
        { "join", nameof(ObservedDelivery.Adding) },
        { "leave", nameof(ObservedDelivery.Removing) },
        { "access-token", nameof(ObservedDelivery.Adding) },
        { "access-token", nameof(ObservedDelivery.Removing) },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_call_whose_groups_cannot_be_changed_closes_the_connection(string call, string step)
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinAsync("room", new { table = "todos" });
        Before(step, _ => throw new DeliveryException(DeliveryError.Transient, "Failed by the test."));

        using var response = await client.PostAsync(call, Body(call));

        response.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().Should().Be("SignalRUnavailable");
        await client.Hub.Closed.WaitAsync(RealtimeClient.Limit);
        Before(step, _ => Task.CompletedTask);
        await Eventually.HoldsAsync(async () => await LiveAsync() == 0);
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_caller_that_gives_up_leaves_no_membership_that_nothing_stands_for(string call, string step)
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await client.JoinAsync("room", new { table = "todos" });
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Before(step, async token =>
        {
            reached.TrySetResult();
            await goOn.Task.WaitAsync(token);
        });

        using var giveUp = new CancellationTokenSource();
        _requests.Watch();
        var calling = client.PostAsync(call, Body(call), giveUp.Token);
        await reached.Task.WaitAsync(RealtimeClient.Limit);
        await giveUp.CancelAsync();
        await calling.Awaiting(task => task).Should().ThrowAsync<OperationCanceledException>();
        await _requests.Aborted.WaitAsync(RealtimeClient.Limit);
        goOn.SetResult();
        await _requests.Over.WaitAsync(RealtimeClient.Limit);

        await ExpectGroupsAsRegisteredAsync(client);
        client.Hub.Closed.IsCompleted.Should().BeFalse("all that was begun was brought to its end");
        (await LiveAsync()).Should().Be(call switch { "join" => 2, "leave" => 0, _ => 1 });
    }

    [Fact]
    public async Task What_is_committed_between_two_roles_of_a_channel_arrives()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var before = await client.JoinAsync("room", new { table = "todos" });

        // Registered under the new role, and not yet in its group: the old one must still be there.
        // The channel has two groups, which are joined side by side.
        var written = new Lazy<Task>(() => HandledAsync("insert into todos values (1)"));
        _delivery.Adding = _ => written.Value;
        using (var response = await client.PostAsync("access-token", Body("access-token")))
        {
            response.StatusCode.Should().Be(HttpStatusCode.OK);
        }

        (await client.ChangesAsync(before[0], 1))[0].GetProperty("record").GetProperty("id").GetInt32().Should().Be(1);
    }

    [Fact]
    public async Task The_end_of_an_earlier_connection_does_not_end_a_session_that_joins_meanwhile()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var ids = new List<long>();

        // The first look finds nobody; before anything is done about it, the session is back and joins.
        _delivery.Looking = async (_, _) =>
        {
            _delivery.Looking = null;
            ids.AddRange(await client.JoinAsync("room", new { table = "todos" }));
            return false;
        };
        await _app.App.Services.GetRequiredService<SessionEvents>().EndIfGoneAsync(SessionOf(client), CancellationToken.None);

        (await LiveAsync()).Should().Be(1);
        await _database.ExecuteAsync("insert into todos values (1)");
        (await client.ChangesAsync(ids[0], 1)).Should().HaveCount(1);
    }

    private static object Body(string call) => call switch
    {
        "join" => new { topic = "other", config = new { postgres_changes = new[] { new { table = "todos", filter = "id=gt.0" } } } },
        "leave" => new { topic = "room" },
        _ => new { access_token = Tokens.For("authenticated") },
    };

    private void Before(string step, Func<CancellationToken, Task> action)
    {
        if (step == nameof(ObservedDelivery.Adding))
        {
            _delivery.Adding = action;
        }
        else
        {
            _delivery.Removing = action;
        }
    }

    private async Task ExpectGroupsAsRegisteredAsync(RealtimeClient client)
    {
        var session = SessionOf(client);
        var connections = _app.App.Services.GetRequiredService<ClientConnections>();
        await using var command = _database.DataSource.CreateCommand(
            $"select group_id, bool_or(left_at is null) from serverless_realtime.subscription where session_id = '{session}' group by group_id");
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            connections.IsUserInGroup(session.ToString("N"), SubscriberGroup.NameOf(reader.GetInt64(0))).Should().Be(reader.GetBoolean(1));
        }
    }

    private Guid SessionOf(RealtimeClient client)
    {
        _app.App.Services.GetRequiredService<SessionTokens>().TryRead(client.Session, out var session).Should().BeTrue();
        return session;
    }

    /// <summary>Executes a statement that changes rows, and returns when its changes have been sent to whoever may have them.</summary>
    private async Task HandledAsync(string sql)
    {
        var before = await _database.ScalarAsync<string>("select pg_current_wal_insert_lsn()::text");
        await _database.ExecuteAsync(sql);
        await Eventually.HoldsAsync(() => _database.ScalarAsync<bool>(
            $"select exists (select from serverless_realtime.partition_state where split_part(sent, ':', 1)::pg_lsn > '{before}')"));
    }

    private async Task<long> LiveAsync() => await _database.ScalarAsync<long>("select count(*) from serverless_realtime.subscription where left_at is null");

    /// <summary>Tells when the app has noticed that the caller of the next request is gone, and when it is done with it.</summary>
    private sealed class RequestWatch : IStartupFilter
    {
        private readonly TaskCompletionSource _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _isWatching;

        public Task Aborted => _aborted.Task;

        public Task Over => _over.Task;

        public void Watch() => Volatile.Write(ref _isWatching, 1);

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, rest) =>
            {
                if (Interlocked.Exchange(ref _isWatching, 0) == 0)
                {
                    await rest(context);
                    return;
                }

                await using var registration = context.RequestAborted.Register(() => _aborted.TrySetResult());
                try
                {
                    await rest(context);
                }
                finally
                {
                    _over.TrySetResult();
                }
            });
            next(app);
        };
    }
}
