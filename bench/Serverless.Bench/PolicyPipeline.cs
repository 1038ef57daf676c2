using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Serverless.Database;
using Serverless.Delivery;
using Serverless.Subscriptions;

namespace Serverless.Bench;

/// <summary>The whole app on a database of its own: only what it delivers to is the measurement's.</summary>
internal sealed class PolicyPipeline : IAsyncDisposable
{
    private const int RowsInATransaction = 500;

    /// <summary>So many of each lot come one at a time, with a change between them, as subscribers do.</summary>
    private const int LateComers = 20;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly BenchDatabase _database;
    private readonly WebApplication _app;
    private readonly CountingDelivery _delivery;
    private readonly PolicySubscribers _subscribers;
    private readonly Random _random = new(2);
    private long _lastId;

    private PolicyPipeline(PolicyCase policy, BenchDatabase database, WebApplication app, CountingDelivery delivery)
    {
        (_database, _app, _delivery) = (database, app, delivery);
        _subscribers = new PolicySubscribers(
            policy, app.Services.GetRequiredService<NpgsqlDataSource>(), app.Services.GetRequiredService<SubscriptionResolver>(), delivery);
    }

    public static async Task<PolicyPipeline> StartAsync(PolicyCase policy)
    {
        var database = await BenchDatabase.CreateAsync();
        var delivery = new CountingDelivery();
        var app = RealtimeApp.Build(
            [
                "--urls=http://127.0.0.1:0",
                "--Logging:LogLevel:Default=Warning",
                $"--Realtime:Postgres={database.ConnectionString}",
                $"--Realtime:JwtSecret={Guid.NewGuid():N}",
                $"--Capture:Slot={database.Slot}",
                "--Capture:ReopenAfter=00:00:00.100",
            ],
            builder => builder.Services.AddSingleton<IRealtimeDelivery>(delivery));
        await app.StartAsync();
        using var limit = new CancellationTokenSource(_limit);
        await app.Services.GetRequiredService<DatabaseReadiness>().WhenReadyAsync(limit.Token);
        await database.ExecuteAsync(policy.Schema);
        await database.WaitForSlotAsync();
        return new PolicyPipeline(policy, database, app, delivery);
    }

    /// <summary>Registers subscribers until there are so many.</summary>
    /// <returns>How long that took, and how long the first change took after it: it brings the newcomers into the index and binds their policies.</returns>
    public async Task<(TimeSpan Registering, TimeSpan Loading)> GrowAsync(int subscribers)
    {
        var start = Stopwatch.GetTimestamp();
        var together = subscribers - (subscribers > LateComers ? LateComers : 0);
        await _subscribers.GrowAsync(together);
        var registering = Stopwatch.GetElapsedTime(start);
        var loading = await WriteAsync(1);
        while (_subscribers.All.Count < subscribers)
        {
            await _subscribers.GrowAsync(_subscribers.All.Count + 1);
            await WriteAsync(1);
        }

        return (registering, loading);
    }

    /// <summary>Writes rows as fast as PostgreSQL takes them.</summary>
    /// <returns>The time from before the first transaction until the last row was handed to delivery.</returns>
    /// <exception cref="InvalidOperationException">A row was not delivered to its one reader, once.</exception>
    public async Task<TimeSpan> WriteAsync(int rows)
    {
        await using var connection = await _database.DataSource.OpenConnectionAsync();
        await using var insert = new NpgsqlCommand(
            "insert into notes (id, user_id, room_id, body) select id, user_id, room_id, 'A note to ' || user_id from unnest($1, $2, $3) as n (id, user_id, room_id)", connection);
        var owners = new Dictionary<long, string>();
        var done = _delivery.ExpectAsync(rows);
        var start = Stopwatch.GetTimestamp();
        for (var written = 0; written < rows; written += RowsInATransaction)
        {
            await InsertAsync(insert, Math.Min(RowsInATransaction, rows - written), owners);
        }

        var end = await AwaitAsync(done, rows);

        // Changes of a table come in order, so whatever was sent twice or to strangers has been sent when a later row is.
        done = _delivery.ExpectAsync(1);
        await InsertAsync(insert, 1, owners);
        await AwaitAsync(done, rows + 1);
        _delivery.Verify(owners);
        return Stopwatch.GetElapsedTime(start, end);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    private async Task InsertAsync(NpgsqlCommand insert, int count, Dictionary<long, string> owners)
    {
        var subscribers = new Subscriber[count];
        for (var i = 0; i < count; i++)
        {
            subscribers[i] = _subscribers.All[_random.Next(_subscribers.All.Count)];
            owners.Add(++_lastId, subscribers[i].ConnectionUser);
        }

        insert.Parameters.Clear();
        insert.Parameters.AddWithValue(Enumerable.Range(0, count).Select(i => _lastId - count + 1 + i).ToArray());
        insert.Parameters.AddWithValue(subscribers.Select(subscriber => subscriber.User).ToArray());
        insert.Parameters.AddWithValue(subscribers.Select(subscriber => subscriber.Room).ToArray());
        await insert.ExecuteNonQueryAsync();
    }

    private async Task<long> AwaitAsync(Task<long> done, int rows)
    {
        try
        {
            return await done.WaitAsync(_limit);
        }
        catch (TimeoutException)
        {
            throw new InvalidOperationException($"Of {rows} rows written, {_delivery.Changes} were delivered in {_limit.TotalSeconds:F0} seconds.");
        }
    }
}
