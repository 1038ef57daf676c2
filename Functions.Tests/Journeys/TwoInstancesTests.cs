using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Serverless.Bus;
using Serverless.Capture;
using Serverless.Database;
using Serverless.EmbeddedSignalR;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>
/// Two instances under the Functions host, each a process of its own, share one SignalR service and one Postgres; changes come as envelopes of the Event Hubs trigger.
/// Clients join through either.
/// </summary>
public sealed class TwoInstancesTests : IAsyncLifetime
{
    private const int Rows = 400;
    private const int Tables = 6;
    private const int Clients = 8;

    private readonly List<AppProcess> _apps = [];
    private readonly List<HttpClient> _triggers = [];
    private TestDatabase _database = null!;
    private SignalRProcess _signalR = null!;
    private CaptureService? _capture;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _signalR = await SignalRProcess.StartAsync();
        for (var instance = 0; instance < 2; instance++)
        {
            var port = FreePort();
            var app = await AppProcess.StartAsync(
                _database,
                new Uri($"http://127.0.0.1:{port}"),
                $"--FUNCTIONS_CUSTOMHANDLER_PORT={port}",
                "--Realtime:Bus=EventHubs",
                "--Capture:Slot=",
                $"--AzureSignalRConnectionString={_signalR.ConnectionString}");
            _apps.Add(app);
            _triggers.Add(new HttpClient { BaseAddress = app.Url, Timeout = TimeSpan.FromSeconds(60) });
        }

        for (var table = 0; table < Tables; table++)
        {
            await _database.ExecuteAsync(
                $"""
                create table public.t{table} (id int primary key);
                grant select on public.t{table} to anon;
                select serverless_realtime.enable('public.t{table}');
                """);
        }
    }

    public async Task DisposeAsync()
    {
        if (_capture is not null)
        {
            await _capture.StopAsync(CancellationToken.None);
            _capture.Dispose();
        }

        _triggers.ForEach(trigger => trigger.Dispose());
        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        await _signalR.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Every_client_sees_every_change_once_when_partitions_are_divided() =>
        await ExpectEveryChangeOnceAsync(partition => [_triggers[partition % 2]]);

    [Fact]
    public async Task Every_client_sees_every_change_once_when_both_handle_every_batch() =>
        await ExpectEveryChangeOnceAsync(_ => _triggers);

    private async Task ExpectEveryChangeOnceAsync(Func<int, IReadOnlyList<HttpClient>> owners)
    {
        _capture = await StartCaptureAsync(new EnvelopeBus(owners));
        var clients = new List<(RealtimeClient Client, IReadOnlyList<long> Ids)>();
        for (var i = 0; i < Clients; i++)
        {
            var client = await RealtimeClient.ConnectAsync(_apps[i % 2].Url);
            clients.Add((client, await client.JoinAsync("room", [.. Enumerable.Range(0, Tables).Select(table => new { table = $"t{table}" })])));
        }

        var expected = clients.ConvertAll(client => client.Ids.ToDictionary(id => id, _ => 1));
        await WriteAsync(1, Rows);
        await ExpectUpToAsync(Rows);

        // A batch is handed over when both are done with the one before, so whatever either sends late of the rows above comes before this one.
        await WriteAsync(Rows + 1, Rows + 1);
        await ExpectUpToAsync(Rows + 1);
        foreach (var (client, _) in clients)
        {
            client.Hub.Waiting("postgres_changes").Should().Be(0);
            await client.DisposeAsync();
        }

        async Task ExpectUpToAsync(int last)
        {
            for (var i = 0; i < clients.Count; i++)
            {
                await ExpectAsync(clients[i].Client, expected[i], last);
            }
        }
    }

    private Task WriteAsync(int first, int last) => Task.WhenAll(Enumerable.Range(0, Tables).Select(async table =>
    {
        for (var id = first; id <= last; id++)
        {
            await _database.ExecuteAsync($"insert into t{table} values ({id})");
        }
    }));

    /// <param name="expected">The next row of each subscription.</param>
    private static async Task ExpectAsync(RealtimeClient client, Dictionary<long, int> expected, int last)
    {
        while (expected.Values.Any(next => next <= last))
        {
            var message = (await client.Hub.NextAsync("postgres_changes", RealtimeClient.Limit))[0];
            var id = message.GetProperty("ids")[0].GetInt64();
            foreach (var change in message.GetProperty("changes").EnumerateArray())
            {
                change.GetProperty("record").GetProperty("id").GetInt32().Should().Be(expected[id]++);
            }
        }
    }

    private async Task<CaptureService> StartCaptureAsync(EnvelopeBus bus)
    {
        var options = Options.Create(new CaptureOptions { Slot = _database.Slot });
        var connections = new CaptureConnections(Options.Create(new DatabaseOptions { Postgres = _database.ConnectionString }));
        var session = new CaptureSession(connections, bus, new ChangeFeed(isOutside: true), options, TimeProvider.System, NullLogger<CaptureSession>.Instance);
        var readiness = new DatabaseReadiness();
        readiness.SetReady();
        var service = new CaptureService(session, readiness, options, TimeProvider.System, NullLogger<CaptureService>.Instance);
        await service.StartAsync(CancellationToken.None);
        await _database.WaitForSlotAsync();
        return service;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
