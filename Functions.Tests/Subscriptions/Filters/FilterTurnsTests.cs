using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

public sealed class FilterTurnsTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(1);
    private static readonly Relation _relation = new(1, "public", "t", ReplicaIdentity.Full, [new Column("id", 23, "int4", true)], []);

    private readonly SteppedTime _time = new();
    private readonly FilterWatch _watch;

    public FilterTurnsTests() => _watch = new FilterWatch(_time);

    [Fact]
    public void Slow_filters_take_no_more_than_the_limit_and_the_burst_however_many_they_are()
    {
        var lost = Ask(200, place => place >= 3, out _);
        lost.Should().BeLessThan(_limit + FilterWatch.Burst + TimeSpan.FromSeconds(0.3));
    }

    [Fact]
    public void What_slow_filters_take_in_the_long_run_is_a_tenth_of_the_time()
    {
        var lost = TimeSpan.Zero;
        for (var batch = 0; batch < 2000; batch++)
        {
            lost += Ask(40, place => place >= 3, out _);
            _time.Pass(TimeSpan.FromSeconds(0.5));
        }

        lost.Should().BeLessThan(TimeSpan.FromSeconds(1000 * 0.11) + _limit + FilterWatch.Burst);
    }

    [Fact]
    public void A_filter_that_was_in_time_before_is_answered_whatever_the_others_do()
    {
        Ask(3, _ => false, out _);
        for (var batch = 0; batch < 50; batch++)
        {
            Ask(40, place => place >= 3, out var answers);
            answers.Take(3).Should().OnlyContain(answer => answer.SqlState == null);
            answers.Skip(3).Should().OnlyContain(answer => answer.TookTooLong);
            _time.Pass(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public void A_slow_filter_rests_and_twice_as_long_each_time()
    {
        var rests = new List<double>();
        for (var batch = 0; batch < 9; batch++)
        {
            Ask(1, _ => true, out var answers);
            rests.Add(answers[0].Rest!.Value.TotalSeconds);
            Ask(1, _ => true, out _).Should().Be(TimeSpan.Zero, "it rests");
            _time.Pass(answers[0].Rest!.Value);
        }

        rests.Select(rest => Math.Round(rest)).Should().Equal(10, 20, 40, 80, 160, 320, 600, 600, 600);
        _time.Pass(TimeSpan.FromHours(2));
        Ask(1, _ => true, out var forgiven);
        forgiven[0].Rest!.Value.TotalSeconds.Should().BeApproximately(10, 0.5);
        forgiven[0].Reason.Should().Contain("left alone for 10 seconds");
    }

    [Fact]
    public void Whoever_was_asked_about_together_with_a_slow_one_is_found_innocent_in_time()
    {
        var answered = new HashSet<int>();
        for (var batch = 0; batch < 60 && answered.Count < 9; batch++)
        {
            Ask(40, place => place % 5 != 0 || place == 0, out var answers);
            answered.UnionWith(Enumerable.Range(0, 40).Where(place => answers[place].SqlState is null));
            _time.Pass(TimeSpan.FromSeconds(10));
        }

        answered.Order().Should().Equal(5, 10, 15, 20, 25, 30, 35);
    }

    // PostgreSQL's part: a turn with a slow question in it lasts as long as it may, any other a millisecond.
    private TimeSpan Ask(int count, Func<int, bool> isSlow, out IReadOnlyList<FilterAnswer> answers)
    {
        var image = new RowImage(_relation, "{\"id\":1}"u8.ToArray());
        var turns = new FilterTurns(
            [.. Enumerable.Range(0, count).Select(i => new FilterQuestion($"f{i}", ["id"], [image]) { Record = _watch.Of(1, $"f{i}", group: 1) })], _limit);
        var lost = TimeSpan.Zero;
        while (turns.Next() is { } turn)
        {
            var slow = turn.Places.Any(isSlow);
            var elapsed = slow ? turn.Limit : TimeSpan.FromMilliseconds(1);
            _time.Pass(elapsed);
            if (slow)
            {
                lost += elapsed;
                turns.TookTooLong(turn, elapsed);
            }
            else
            {
                turns.Answer(turn, [.. turn.Places.Select(_ => new FilterAnswer([true], null))], elapsed);
            }
        }

        answers = turns.Answers;
        answers.Should().NotContainNulls();
        return lost;
    }

    private sealed class SteppedTime : TimeProvider
    {
        private long _now = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Pass(TimeSpan by) => _now += by.Ticks;
    }
}
