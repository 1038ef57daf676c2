using System.Reflection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Bus;
using Serverless.Database;
using Serverless.Support;

namespace Serverless.Capture;

/// <summary>A database of the test's own with a publication for all tables, and capture services on it. Disposing of it stops them.</summary>
internal sealed class CaptureDatabase : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _poll = TimeSpan.FromMilliseconds(10);

    private readonly List<CaptureService> _running = [];

    private CaptureDatabase(TestDatabase database) => Database = database;

    public TestDatabase Database { get; }

    public static async Task<CaptureDatabase> CreateAsync(string publication = "create publication supabase_realtime for all tables")
    {
        var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync("create schema serverless_realtime; " + Migration() + publication);
        return new CaptureDatabase(database);
    }

    public Task ExecuteAsync(string sql) => Database.ExecuteAsync(sql);

    public Task<T?> ScalarAsync<T>(string sql) => Database.ScalarAsync<T>(sql);

    /// <summary>Starts a service and returns once it streams.</summary>
    public async Task<CaptureService> StartAsync(RecordingBus bus, Action<CaptureOptions>? configure = null)
    {
        var service = await StartWithoutWaitingAsync(bus, configure);
        await WaitUntilStreamingAsync();
        return service;
    }

    public async Task<CaptureService> StartWithoutWaitingAsync(RecordingBus bus, Action<CaptureOptions>? configure = null, ILoggerFactory? logs = null)
    {
        var capture = new CaptureOptions { Slot = Database.Slot, ReopenAfter = TimeSpan.FromMilliseconds(50), ConfirmEvery = TimeSpan.FromMilliseconds(50) };
        configure?.Invoke(capture);
        var options = Options.Create(capture);
        var connections = new CaptureConnections(Options.Create(new DatabaseOptions { Postgres = Database.ConnectionString }));
        logs ??= NullLoggerFactory.Instance;
        var session = new CaptureSession(connections, bus, new ChangeFeed(isOutside: true), options, TimeProvider.System, logs.CreateLogger<CaptureSession>());
        var readiness = new DatabaseReadiness();
        readiness.SetReady();
        var service = new CaptureService(session, readiness, options, TimeProvider.System, logs.CreateLogger<CaptureService>());
        await service.StartAsync(CancellationToken.None);
        _running.Add(service);
        return service;
    }

    public async Task StopAsync(CaptureService service)
    {
        _running.Remove(service);
        await service.StopAsync(CancellationToken.None).WaitAsync(_limit);
        service.Dispose();
    }

    /// <summary>Waits until whatever commits next is captured. A slot is active while it is being made, too, and then not yet at its starting point.</summary>
    public Task WaitUntilStreamingAsync() => WaitUntilAsync("active and confirmed_flush_lsn is not null");

    /// <summary>Waits until the condition holds for our row of <c>pg_replication_slots</c>.</summary>
    public async Task WaitUntilAsync(string condition)
    {
        using var limit = new CancellationTokenSource(_limit);
        while (!await ScalarAsync<bool>($"select exists (select from pg_replication_slots where slot_name = '{Database.Slot}' and {condition})"))
        {
            await Task.Delay(_poll, TimeProvider.System, limit.Token);
        }
    }

    /// <summary>Waits until the walsender has heard from us so many times more: what a confirmation could have moved has moved.</summary>
    public async Task WaitForRepliesAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var last = await ScalarAsync<DateTime>(LastReply);
            using var limit = new CancellationTokenSource(_limit);
            while (await ScalarAsync<DateTime>(LastReply) is var now && (now == last || now == default))
            {
                await Task.Delay(_poll, TimeProvider.System, limit.Token);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _running.ToArray())
        {
            await StopAsync(service);
        }

        await Database.DisposeAsync();
    }

    private string LastReply =>
        $"select r.reply_time from pg_stat_replication r join pg_replication_slots s on s.active_pid = r.pid where s.slot_name = '{Database.Slot}'";

    private static string Migration() => string.Concat(new[] { "0002_capture", "0009_capture_epoch" }.Select(name =>
    {
        using var stream = typeof(CaptureService).Assembly.GetManifestResourceStream($"migrations/{name}.sql");
        using var reader = new StreamReader(stream ?? throw new InvalidOperationException($"The migration {name} is not embedded."));
        return reader.ReadToEnd();
    }));
}
