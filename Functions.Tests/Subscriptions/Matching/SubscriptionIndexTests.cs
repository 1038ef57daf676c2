using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Policies;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions.Matching;

/// <summary>What a full re-reading of the registry does to those who are matched at the same time.</summary>
public sealed class SubscriptionIndexTests
{
    private const int Staying = 40;
    private const int Matches = 5000;

    private static readonly DateTime _never = new(2100, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly Relation _todos = RegistryDatabase.RelationOf("todos");

    private readonly SubscriptionIndex _index = new();

    [Fact]
    public void Who_is_in_both_readings_stays_bound_and_who_is_not_is_gone()
    {
        _index.Replace([Row(1), Row(2)]);
        Bind();

        _index.Replace([Row(2), Row(3)]);

        Matched().Should().Equal(2);
        Bind();
        Matched().Should().BeEquivalentTo([2L, 3L]);
    }

    [Fact]
    public void A_subscription_that_moved_to_another_group_is_found_there_alone()
    {
        _index.Replace([Row(1)]);
        Bind();

        _index.Replace([Row(1) with { GroupId = 7, Number = 1 }]);
        Bind();

        Matched().Should().Equal(7);
    }

    [Fact]
    public void Who_leaves_while_a_batch_is_judged_is_found_until_it_is_over_since_what_took_its_place_is_not_bound()
    {
        _index.Replace([Row(1)]);
        var hold = _index.Hold(_todos, out _);
        Bind();

        _index.Apply([Row(1) with { HasLeft = true }, Row(2)]);
        Matched().Should().Equal(1);

        hold.Dispose();
        Bind();
        Matched().Should().Equal(2);
    }

    [Fact]
    public void Who_leaves_and_comes_back_while_a_batch_is_judged_stays_bound()
    {
        _index.Replace([Row(1)]);
        var hold = _index.Hold(_todos, out _);
        Bind();

        _index.Apply([Row(1) with { HasLeft = true }]);
        _index.Apply([Row(1)]);
        hold.Dispose();

        Matched().Should().Equal(1);
        _index.Apply([Row(1) with { HasLeft = true }]);
        Matched().Should().BeEmpty();
    }

    [Fact]
    public async Task Nobody_who_stays_is_missed_while_everything_is_read_anew()
    {
        var stay = Enumerable.Range(1, Staying).Select(id => Row(id)).ToList();
        _index.Replace(stay);
        Bind();
        var matching = Task.Run(MatchAgainAndAgain);

        for (var next = Staying + 1; !matching.IsCompleted; next++)
        {
            _index.Replace([.. stay, Row(next)]);
        }

        await matching;
    }

    private void MatchAgainAndAgain()
    {
        for (var i = 0; i < Matches; i++)
        {
            Matched().Count(group => group <= Staying).Should().Be(Staying);
        }
    }

    private List<long> Matched()
    {
        var found = new List<(BoundGroup Group, Truth Truth)>();
        _index.Of(_todos).Match(new RowImage(_todos, """{"id":1}"""u8.ToArray()), found);
        return [.. found.Select(match => match.Group.Group.Id)];
    }

    private void Bind()
    {
        var table = _index.Of(_todos);
        foreach (var group in table.TakeUnbound("open"))
        {
            table.Bind(group, new BoundGroup(group, Open, Constant.True, FilterNode.Everything));
        }
    }

    private static RegistryRow Row(long id) =>
        new(id, id, id, HasLeft: false, _never, RegistryDatabase.DefinitionOf("todos").ToJson(), Claims: null);

    private static TablePolicy Open => new(
        1, "public", "todos", "anon", PolicyKind.Open, "", [], [], [], Reduced: null, ReadsOtherTables: false, HasSelect: true, ReadableColumns: null, "");
}
