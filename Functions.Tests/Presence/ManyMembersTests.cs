using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;
using Xunit.Abstractions;

namespace Serverless.Presence;

/// <summary>Ten thousand members in one topic. Times are printed, not judged: the machine is shared.</summary>
public sealed class ManyMembersTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Room = "room";
    private const int Members = 10_000;

    private readonly Guid[] _sessions = [.. Enumerable.Range(0, Members).Select(_ => Guid.NewGuid())];
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;
    private PresenceMember _receiver = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(_database);
        await RegisterAllAsync();
        _receiver = await PresenceMember.JoinAsync(_app, _database, Room, "receiver");
    }

    public async Task DisposeAsync()
    {
        await _receiver.DisposeAsync();
        await _app.DisposeAsync();
        await _database.DisposeAsync();
        _app.Logs.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task All_come_at_once_in_few_diffs_are_read_by_one_question_and_vanish_in_few_diffs()
    {
        var changes = _app.Service<PresenceChanges>();
        var coming = Stopwatch.StartNew();

        // Away from xunit's context, through which every continuation would otherwise go: that, and not presence, was 15 of 17 seconds.
        var answers = await Task.Run(() => Task.WhenAll(_sessions.Select((session, number) =>
            changes.TrackAsync(session, [(Room, $$"""{"user_id":"{{session}}","name":"member {{number}}","status":"online"}""")], CancellationToken.None))));
        output.WriteLine($"{Members} members came in {coming.ElapsedMilliseconds} ms");
        answers.SelectMany(answer => answer).Should().OnlyContain(refusal => refusal == null);
        var told = await FollowAsync(Members);
        told.Should().BeLessThan(60, "what waits is gathered");

        await PrintStateAsync();

        await _database.ExecuteAsync("update serverless_realtime.presence_session set seen_at = clock_timestamp() - interval '76 seconds'");
        var going = Stopwatch.StartNew();

        // A sweep that finds the app's own under way leaves everything to that.
        await Eventually.HoldsAsync(async () =>
        {
            await _app.Service<PresenceSweep>().SweepAsync(CancellationToken.None);
            return await _database.ScalarAsync<long>("select count(*) from serverless_realtime.presence") == 0;
        });
        output.WriteLine($"{Members} members were taken for gone in {going.ElapsedMilliseconds} ms");
        (await FollowAsync(0)).Should().BeLessThan(60);
        (await _receiver.LookAsync(Room)).GetProperty("state").EnumerateObject().Should().BeEmpty();
    }

    [Fact]
    public async Task All_come_over_http_and_every_heartbeat_is_answered()
    {
        using var http = RealtimeClient.Http(_app.Url);
        var coming = Stopwatch.StartNew();
        await ForEachAsync(session => PostAsync(http, session, "track", new { topic = Room, payload = new { user_id = session, status = "online" } }));
        output.WriteLine($"{Members} members came over HTTP, 64 calls at a time, in {coming.ElapsedMilliseconds} ms");
        output.WriteLine($"{await FollowAsync(Members)} diffs told of it");

        var beating = Stopwatch.StartNew();
        await ForEachAsync(session => PostAsync(http, session, "heartbeat", new { }));
        output.WriteLine($"{Members} heartbeats in {beating.ElapsedMilliseconds} ms");
    }

    private async Task<int> FollowAsync(int members)
    {
        var version = (await _receiver.LookAsync(Room)).GetProperty("version").GetInt64();
        var diffs = 0;
        for (; _receiver.View.Version < version; diffs++)
        {
            await _receiver.NextDiffAsync();
        }

        _receiver.View.Holes.Should().Be(0);
        _receiver.View.Members.Count.Should().Be(members);
        return diffs;
    }

    private async Task PrintStateAsync()
    {
        var store = _app.Service<PresenceStore>();
        await store.ReadAsync(Room, isPrivate: false, CancellationToken.None);
        var reading = Stopwatch.StartNew();
        var snapshot = await store.ReadAsync(Room, isPrivate: false, CancellationToken.None);
        output.WriteLine($"the state, {snapshot.State.Length} bytes, was read in {reading.ElapsedMilliseconds} ms");

        var asking = Stopwatch.StartNew();
        var topic = await _receiver.LookAsync(Room);
        output.WriteLine($"and asked for over HTTP in {asking.ElapsedMilliseconds} ms");
        PresenceView.Of(snapshot).Members.Should().Equal(_receiver.View.Members);
        topic.GetProperty("state").EnumerateObject().Should().HaveCount(Members);
    }

    private async Task PostAsync(HttpClient http, Guid session, string call, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/realtime/v1/presence/{call}") { Content = JsonContent.Create(body) };
        request.Headers.Add("x-realtime-session", _app.SessionToken(session));
        using var response = await http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty(call == "track" ? "channels" : "tracked").GetArrayLength().Should().Be(1);
    }

    private Task ForEachAsync(Func<Guid, Task> call) =>
        Task.Run(() => Parallel.ForEachAsync(_sessions, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (session, _) => await call(session)));

    private async Task RegisterAllAsync()
    {
        await using var command = _database.DataSource.CreateCommand(
            """
            select serverless_realtime.join_channel(s.id, null, $2, false, 'anon', '\x00', '{}', now() + interval '1 hour', 'member ' || s.place, true, '{}', 100)
            from unnest($1) with ordinality s (id, place)
            """);
        command.Parameters.AddWithValue(_sessions);
        command.Parameters.AddWithValue(Room);
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync();
    }
}
