using System.Globalization;
using System.Text;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

public sealed class IntervalTreeTests
{
    [Theory]
    [InlineData(12)]
    [InlineData(2000)]
    public void It_finds_the_intervals_that_a_value_lies_in(int values)
    {
        var random = new Random(values);
        var there = new List<(RangeKey Interval, Entry Item)>();
        IntervalTree<Entry>? tree = null;
        for (var step = 0; step < 4000; step++)
        {
            if (there.Count > 0 && random.Next(3) == 0)
            {
                var (interval, item) = there[random.Next(there.Count)];
                tree = IntervalTree<Entry>.Remove(tree, interval, item);
                there.Remove((interval, item));
            }
            else
            {
                var added = (Interval: Interval(random, values), Item: new Entry());
                tree = IntervalTree<Entry>.Add(tree, added.Interval, added.Item, (uint)random.Next());
                there.Add(added);
            }

            var value = Key(random.Next(values));
            var found = new List<Entry>();
            IntervalTree<Entry>.Find(tree, IntervalEnd.At(value), found);
            var expected = there.Where(pair => Holds(pair.Interval, value)).Select(pair => pair.Item).ToHashSet();
            expected.SetEquals(found).Should().BeTrue("step {0} finds {1} of {2}", step, found.Count, expected.Count);
            found.Count.Should().Be(expected.Count);
        }
    }

    private static bool Holds(RangeKey interval, ValueKey value)
    {
        var low = interval.Low is null ? 1 : value.CompareTo(interval.Low.Value);
        var high = interval.High is null ? -1 : value.CompareTo(interval.High.Value);
        return (low > 0 || (low == 0 && interval.Low!.IsInclusive)) && (high < 0 || (high == 0 && interval.High!.IsInclusive));
    }

    private static RangeKey Interval(Random random, int values)
    {
        var low = random.Next(values);
        var kind = random.Next(10);
        return new RangeKey(
            "c",
            ValueOrder.Integer,
            kind == 0 ? null : new RangeBound(Key(low), random.Next(2) > 0),
            kind == 1 ? null : new RangeBound(Key(kind == 2 ? random.Next(values) : low + random.Next(1 + (values / 50))), random.Next(2) > 0));
    }

    private static ValueKey Key(int value) =>
        ValueKey.TryRead(ValueOrder.Integer, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)), out var key) ? key : throw new FormatException();
}
