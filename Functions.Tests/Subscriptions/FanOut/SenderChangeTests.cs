using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Serverless.Auth;
using Serverless.Changes;
using Serverless.Channels;
using Serverless.Delivery;
using Serverless.Support;

namespace Serverless.Subscriptions.FanOut;

/// <summary>
/// Two instances handle one partition's batches, now the one and now the other, and now and then sending fails half-way. What a message names as its predecessor is then
/// the last change before its own that its group was sent, by whichever instance, or the end of a batch that was handled whole after that: never an earlier one, which would hide a loss.
/// </summary>
public sealed class SenderChangeTests : IAsyncLifetime
{
    private const int Rounds = 300;
    private const string Epoch = "1-1-1";

    private readonly Random _random = new(4711);
    private readonly Predecessors _sent = new();
    private readonly List<RealtimeTestApp> _instances = [];
    private TestDatabase _database = null!;
    private Relation _todos = null!;
    private uint _lastLsn;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        for (var instance = 0; instance < 2; instance++)
        {
            _instances.Add(await RealtimeTestApp.StartAsync(_database, Replace, "--Realtime:Bus=EventHubs", "--Capture:Slot="));
        }

        await _database.ExecuteAsync(
            """
            create table todos (id int primary key);
            grant select on todos to anon;
            select serverless_realtime.enable('todos', true);
            """);
        var oid = await _database.ScalarAsync<uint>("select 'todos'::regclass::oid");
        _todos = new Relation(oid, "public", "todos", ReplicaIdentity.Default, [new Column("id", 23, "int4", IsKey: true)], []);
        await JoinAsync(null, "id=eq.0", "id=eq.1", "id=gt.1");
    }

    public async Task DisposeAsync()
    {
        foreach (var instance in _instances)
        {
            await instance.DisposeAsync();
        }

        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_message_names_the_change_that_its_group_was_sent_before_it_or_none()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var batch = NextBatch();
            _sent.FailAfter(_random.Next(4) == 0 ? _random.Next(4) : int.MaxValue);
            while (!await TryHandleAsync(_instances[_random.Next(2)], batch))
            {
                _sent.FailAfter(int.MaxValue);
            }

            _sent.Complete(batch.Changes[^1].Position);

            if (_random.Next(5) == 0)
            {
                // A batch that was handled may come again, to either.
                await TryHandleAsync(_instances[_random.Next(2)], batch);
            }
        }

        _sent.Wrong.Should().BeEmpty();
        _sent.Exact.Should().BeGreaterThan(Rounds / 4, "an instance that handles several batches in a row knows what it sent");
        _sent.Bounded.Should().BeGreaterThan(Rounds / 4, "an instance that takes over knows how far the other one came");
    }

    private static async Task<bool> TryHandleAsync(RealtimeTestApp instance, ChangeBatch batch)
    {
        try
        {
            await instance.App.Services.GetRequiredService<IChangeSink>().HandleAsync("0", [batch], CancellationToken.None);
            return true;
        }
        catch (DeliveryException)
        {
            return false;
        }
    }

    // Beyond what the database has written, as changes to come are. Rows 0 to 2, so that some groups pass some batches by.
    private ChangeBatch NextBatch() => new(
        Epoch,
        [.. Enumerable.Range(0, 1 + _random.Next(3)).Select(_ => new RowChange(
            _todos,
            ChangeKind.Insert,
            new ChangePosition(Lsn.Parse($"7FFFFFFF/{++_lastLsn:X}"), 0),
            Xid: 3,
            new DateTime(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc),
            new RowImage(_todos, JsonSerializer.SerializeToUtf8Bytes(new { id = _random.Next(3) })),
            Old: null))]);

    private async Task JoinAsync(params string?[] filters)
    {
        var caller = new Caller("anon", Subject: null, TimeProvider.System.GetUtcNow().AddHours(1), """{"role":"anon"}""");
        var join = new ChannelJoin("room", caller, [.. filters.Select(filter => new SubscriptionRequest { Schema = "public", Table = "todos", Filter = filter })]);
        var answers = await _instances[0].App.Services.GetRequiredService<ChannelJoiner>().JoinAsync(Guid.NewGuid(), [join], CancellationToken.None);
        answers.Single().Status.Should().Be("ok");
    }

    private void Replace(WebApplicationBuilder builder) => builder.Services.AddSingleton<IRealtimeDelivery>(_sent);

    /// <summary>Where both instances' messages end: it holds each against those its group was sent before, and fails when told to.</summary>
    private sealed class Predecessors : IRealtimeDelivery
    {
        private readonly ConcurrentDictionary<string, SortedSet<ChangePosition>> _sent = new(StringComparer.Ordinal);
        private readonly HashSet<ChangePosition> _completed = [];
        private int _exact;
        private int _bounded;
        private int _left = int.MaxValue;

        public int MaxArgumentsBytes => DeliveryLimits.MaxArgumentsBytes;

        public bool IsLocal => false;

        public ConcurrentQueue<string> Wrong { get; } = [];

        public int Exact => _exact;

        public int Bounded => _bounded;

        /// <summary>Records that a batch was handled whole.</summary>
        public void Complete(ChangePosition last) => _completed.Add(last);

        public void FailAfter(int sends) => Volatile.Write(ref _left, sends);

        public Task SendToGroupAsync(string group, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken)
        {
            if (Interlocked.Decrement(ref _left) < 0)
            {
                throw new DeliveryException(DeliveryError.Transient, "Failed by the test.");
            }

            using var arguments = JsonDocument.Parse(argumentsJson);
            var message = arguments.RootElement[0];
            var positions = message.GetProperty("changes").EnumerateArray().Select(change => Position(change.GetProperty("position"))).ToList();
            var sent = _sent.GetOrAdd(group, _ => []);
            Check(group, Position(message.GetProperty("previous")), sent.Where(position => position < positions[0]).DefaultIfEmpty().Max(), positions[0]);

            // One group is sent to by one call at a time.
            sent.UnionWith(positions);
            return Task.CompletedTask;
        }

        private void Check(string group, ChangePosition named, ChangePosition last, ChangePosition first)
        {
            if (named == last)
            {
                Interlocked.Increment(ref _exact);
            }
            else if (named > last && named < first && (_completed.Contains(named) || _completed.Count == 0))
            {
                Interlocked.Increment(ref _bounded);
            }
            else
            {
                Wrong.Enqueue($"{group}: {named} was named, {last} is right");
            }
        }

        private static ChangePosition Position(JsonElement text) =>
            ChangePosition.TryParse(text.GetString(), out var position) ? position : throw new FormatException($"'{text}' is no position.");

        public Task<ClientAccess> GrantAccessAsync(string userId, Uri publicOrigin, TimeSpan lifetime, CancellationToken cancellationToken) =>
            throw new NotSupportedException("Nobody connects in this test.");

        public Task SendToUserAsync(string userId, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task SendToAllAsync(string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task AddUserToGroupAsync(string userId, string group, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task RemoveUserFromGroupAsync(string userId, string group, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task RemoveUserFromAllGroupsAsync(string userId, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<bool> IsUserConnectedAsync(string userId, CancellationToken cancellationToken) => Task.FromResult(true);

        public Task CloseUserConnectionsAsync(string userId, string reason, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
