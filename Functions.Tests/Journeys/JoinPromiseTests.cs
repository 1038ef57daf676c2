using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>
/// Promise 1: once a join is answered, every later commit that matches arrives. Fifty clients join and leave, each time a group that nobody has been in, while
/// eight writers commit without a pause.
/// </summary>
public sealed class JoinPromiseTests : IAsyncLifetime
{
    private const int Clients = 50;
    private const int JoinsOfAClient = 20;
    private const int Writers = 8;
    private const int Flags = 10;

    /// <summary>How many commits after each join are awaited.</summary>
    private const int Watched = 3;

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(2);

    private readonly int[] _issued = new int[Writers];
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        var flags = string.Join(", ", Enumerable.Range(0, Flags).Select(flag => $"f{flag} boolean not null default true"));
        await _database.ExecuteAsync(
            $"""
            create table public.ticks (writer int, n int, {flags}, primary key (writer, n));
            grant select on public.ticks to anon;
            select serverless_realtime.enable('public.ticks');
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_committed_after_a_join_was_answered_is_missed()
    {
        using var end = new CancellationTokenSource();
        var writers = Enumerable.Range(0, Writers).Select(writer => WriteAsync(writer, end.Token)).ToArray();
        var clients = Enumerable.Range(0, Clients).Select(JoinAndWatchAsync).ToArray();

        await Task.WhenAll(clients).WaitAsync(TimeSpan.FromMinutes(3));
        await end.CancelAsync();
        await Task.WhenAll(writers);

        _app.Logs.Warnings.Should().BeEmpty();
    }

    private async Task WriteAsync(int writer, CancellationToken end)
    {
        await using var connection = await _database.DataSource.OpenConnectionAsync(CancellationToken.None);
        await using var command = new Npgsql.NpgsqlCommand("insert into ticks (writer, n) values ($1, $2)", connection);
        command.Parameters.Add(new() { Value = writer });
        var number = new Npgsql.NpgsqlParameter<int>();
        command.Parameters.Add(number);
        while (!end.IsCancellationRequested)
        {
            number.TypedValue = Interlocked.Increment(ref _issued[writer]);
            await command.ExecuteNonQueryAsync(CancellationToken.None);
            await Task.Delay(_pause, TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task JoinAndWatchAsync(int client)
    {
        await using var connection = await RealtimeClient.ConnectAsync(_app.Url);
        for (var join = 0; join < JoinsOfAClient; join++)
        {
            var number = (client * JoinsOfAClient) + join;
            var writer = number % Writers;
            var ids = await connection.JoinAsync("room", new { @event = "INSERT", schema = "public", table = "ticks", filter = FilterOf(number, writer) });

            // Whatever takes a later number than this is committed after the answer.
            var answered = Volatile.Read(ref _issued[writer]);
            await WatchAsync(connection, ids[0], answered);
        }
    }

    private static async Task WatchAsync(RealtimeClient connection, long id, int answered)
    {
        var last = 0;
        var awaited = answered + 1;
        while (awaited <= answered + Watched)
        {
            var message = (await connection.Hub.NextAsync("postgres_changes", RealtimeClient.Limit))[0];
            if (message.GetProperty("ids")[0].GetInt64() != id)
            {
                continue;
            }

            foreach (var n in message.GetProperty("changes").EnumerateArray().Select(change => change.GetProperty("record").GetProperty("n").GetInt32()))
            {
                n.Should().BeGreaterThan(last, "a writer's commits come in order and once");
                n.Should().BeLessThanOrEqualTo(awaited, "number {0} was committed after the join was answered, and must not be missed", awaited);
                last = n;
                awaited = n == awaited ? n + 1 : awaited;
            }
        }
    }

    // A condition on each flag whose bit is set: a thousand different groups, all of which every row matches.
    private static string FilterOf(int number, int writer) => string.Join(
        ',',
        Enumerable.Range(0, Flags).Where(flag => (number >> flag & 1) == 1).Select(flag => $"f{flag}=eq.true").Prepend($"writer=eq.{writer}"));
}
