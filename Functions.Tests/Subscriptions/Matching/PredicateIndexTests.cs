using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

public sealed class PredicateIndexTests
{
    private static readonly int _histories = Environment.GetEnvironmentVariable("REALTIME_TEST_FULL") == "1" ? 2000 : 40;

    private readonly PredicateIndex<Entry> _index = new();
    private readonly Entry _entry = new();

    [Fact]
    public void It_finds_what_evaluating_every_predicate_would_find()
    {
        for (var seed = 0; seed < _histories; seed++)
        {
            FollowHistory(new MatchingSamples(seed), $"history {seed}");
        }
    }

    [Fact]
    public void One_predicate_with_many_entries_is_evaluated_once()
    {
        var image = MatchingSamples.Image(("name", "\"p\""));
        var counted = new CountedPredicate();
        var entries = Enumerable.Range(0, 1000).Select(_ => new Entry()).ToList();
        entries.ForEach(entry => _index.Add(entry, counted));

        Found(image).Select(match => match.Entry).ToHashSet().SetEquals(entries).Should().BeTrue();
        counted.Evaluations.Should().Be(1);

        entries.ForEach(entry => _index.Remove(entry, counted));
        Found(image).Should().BeEmpty();
        _index.Count.Should().Be(0);
    }

    [Fact]
    public void A_conjunction_is_found_by_its_least_crowded_equality()
    {
        var counted = new CountedPredicate();
        for (var i = 0; i < 1000; i++)
        {
            _index.Add(new Entry(), new AllOf([Equal("a", "1"), Equal("b", $"{i}"), counted]));
        }

        Found(MatchingSamples.Image(("a", "1"), ("b", "7"), ("name", "\"p\""))).Should().ContainSingle();

        counted.Evaluations.Should().BeLessThan(4);
    }

    [Fact]
    public void An_alternative_that_fits_twice_gives_its_entry_once()
    {
        _index.Add(_entry, new AnyOf([Equal("a", "1"), Equal("b", "2"), MatchingSamples.Compare("a", FilterOperator.GreaterOrEqual, "0")]));

        Found(MatchingSamples.Image(("a", "1"), ("b", "2"), ("name", "null"))).Should().Equal((_entry, Truth.True));
    }

    [Fact]
    public void A_value_that_the_order_cannot_place_is_in_no_range()
    {
        _index.Add(_entry, MatchingSamples.Compare("a", FilterOperator.GreaterOrEqual, "5"));

        Found(MatchingSamples.Image(("a", "9223372036854775808"))).Should().BeEmpty();
    }

    [Fact]
    public void An_entry_added_twice_is_there_once()
    {
        _index.Add(_entry, Equal("a", "1"));
        _index.Add(_entry, Equal("a", "1"));

        _index.Count.Should().Be(1);
        Found(MatchingSamples.Image(("a", "1"))).Should().ContainSingle();
    }

    [Fact]
    public void Removing_what_is_not_there_changes_nothing()
    {
        _index.Add(_entry, Equal("a", "1"));

        _index.Remove(new Entry(), Equal("a", "1"));
        _index.Remove(_entry, Equal("a", "2"));

        _index.Count.Should().Be(1);
        Found(MatchingSamples.Image(("a", "1"))).Should().ContainSingle();
    }

    private static Equality Equal(string column, string token) => new(column, EqualityRule.SameToken, [System.Text.Encoding.UTF8.GetBytes(token)]);

    private static void FollowHistory(MatchingSamples samples, string name)
    {
        var index = new PredicateIndex<Entry>();
        var model = new List<(Entry Entry, Predicate Predicate)>();
        for (var step = 0; step < 300; step++)
        {
            if (model.Count > 0 && samples.Next(5) < 2)
            {
                var (entry, predicate) = model[samples.Next(model.Count)];
                index.Remove(entry, predicate);
                model.Remove((entry, predicate));
            }
            else
            {
                var added = (Entry: new Entry(), Predicate: samples.Next(3) > 0 || model.Count == 0 ? samples.Predicate() : model[samples.Next(model.Count)].Predicate);
                index.Add(added.Entry, added.Predicate);
                model.Add(added);
            }

            Compare(index, model, samples.Image(), $"{name}, step {step}");
        }

        index.Count.Should().Be(model.Count);
        model.ForEach(pair => index.Remove(pair.Entry, pair.Predicate));
        Compare(index, [], samples.Image(), name);
    }

    private static void Compare(PredicateIndex<Entry> index, List<(Entry Entry, Predicate Predicate)> model, RowImage image, string step)
    {
        var expected = model.Where(pair => pair.Predicate.CanJudge(image))
            .Select(pair => (pair.Entry, Truth: pair.Predicate.Select(image)))
            .Where(match => match.Truth is Truth.True or Truth.Ask)
            .ToList();
        var found = new List<(Entry Entry, Truth Truth)>();
        index.Match(image, found);

        // FluentAssertions compares graphs, slowly; this is asked a hundred thousand times.
        found.ToHashSet().SetEquals(expected).Should().BeTrue("the index finds what the list finds in {0}", step);
        found.Count.Should().Be(expected.Count, "each is found once in {0}", step);
    }

    private List<(Entry Entry, Truth Truth)> Found(RowImage image)
    {
        var found = new List<(Entry Entry, Truth Truth)>();
        _index.Match(image, found);
        return found;
    }

    private sealed class CountedPredicate : Predicate
    {
        public int Evaluations { get; private set; }

        public override string Text => "counted";

        public override IReadOnlyCollection<string> Columns => ["name"];

        public override IReadOnlyList<IndexKey>? Keys => null;

        public override Truth Evaluate(RowImage image)
        {
            Evaluations++;
            return Truth.True;
        }
    }
}
