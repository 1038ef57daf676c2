using System.Diagnostics;
using System.Globalization;

namespace Serverless.Subscriptions.Filters;

public sealed class LiteralReaderTests : IAsyncLifetime
{
    private FilterDatabase _database = null!;

    public async Task InitializeAsync() => _database = await FilterDatabase.CreateAsync("create table things (id int primary key, n numeric, d date, iv interval)");

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task A_list_is_read_in_one_round_trip()
    {
        var table = await _database.DescribeAsync("things");
        await using var connection = await _database.DataSource.OpenConnectionAsync();
        var texts = Enumerable.Range(0, 100).Select(i => (i / 10m).ToString(CultureInfo.InvariantCulture)).ToList();
        using var commands = new CountedCommands(connection.Database);
        var node = (EqualNode)await FilterResolver.ResolveAsync(connection, table, FilterParser.Parse($"n=in.({string.Join(',', texts)})"), null, CancellationToken.None);
        node.Values.Should().HaveCount(100);
        commands.Count.Should().Be(1);

        texts[57] = "much";
        await FluentActions.Awaiting(() => FilterResolver.ResolveAsync(connection, table, FilterParser.Parse($"n=in.({string.Join(',', texts)})"), null, CancellationToken.None))
            .Should().ThrowAsync<SubscriptionException>().WithMessage("*'much' is not a value of type numeric*");
        commands.Count.Should().BeLessThan(1 + 20);
    }

    [Fact]
    public async Task The_first_text_that_is_no_value_is_named()
    {
        foreach (var (filter, named) in new[] { ("d=in.(2026-01-01,x,y)", "x"), ("d=in.(x)", "x"), ("iv=in.(1 day,2 days,3 days,much)", "much"), ("id=in.(1,2,01,z,3)", "z"), ("iv=in.(\"1 day\",\"a\0b\",c)", "a\0b") })
        {
            await FluentActions.Awaiting(() => _database.ResolveAsync("things", filter)).Should().ThrowAsync<SubscriptionException>().WithMessage($"*'{named}' is not a value*");
        }
    }

    /// <summary>Npgsql reports each command that it sends.</summary>
    private sealed class CountedCommands : IDisposable
    {
        private readonly ActivityListener _listener;
        private int _count;

        public CountedCommands(string database)
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == "Npgsql",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = activity =>
                {
                    if (activity.TagObjects.Any(tag => tag.Key is "db.name" or "db.namespace" && Equals(tag.Value, database)))
                    {
                        Interlocked.Increment(ref _count);
                    }
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public int Count => Volatile.Read(ref _count);

        public void Dispose() => _listener.Dispose();
    }
}
