using System.Text;
using FluentAssertions;
using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Policies;

namespace Serverless.Subscriptions.FanOut;

/// <summary>A run of changes that is judged in parts comes out as one that is judged at once.</summary>
public sealed class ChangeJudgeTests
{
    private static readonly Relation _relation = new(
        16400,
        "public",
        "todos",
        ReplicaIdentity.Full,
        [new Column("id", 23, "int4", IsKey: true), new Column("owner", 23, "int4", IsKey: false)],
        []);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(500_000)]
    public async Task Each_group_receives_its_changes_once_and_in_order_whatever_is_judged_at_a_time(int candidatesAtOnce)
    {
        var table = new TableSubscribers();
        Bind(table, 1, owner: 1, leave: true);
        Bind(table, 2, owner: 2, leave: false);
        Bind(table, 3, owner: null, leave: false);
        RowChange[] changes = [Change(1, null, Row(10, 1)), Change(2, null, Row(11, 2)), Change(3, Row(10, 1), Row(10, 2)), Change(4, Row(11, 2), Row(11, 1)), Change(5, Row(11, 1), null)];
        await using var dataSource = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1");
        var questions = new PostgresQuestions(dataSource, new PolicyJudge(TimeSpan.FromSeconds(1), TimeProvider.System), null!, new FilterWatch(TimeProvider.System));
        var judge = new ChangeJudge(questions, Options.Create(new SubscriptionOptions())) { CandidatesAtOnce = candidatesAtOnce };

        var deliveries = await judge.JudgeAsync(_relation, table, changes, isLastAttempt: false, CancellationToken.None);

        deliveries.OrderBy(delivery => delivery.Group.Id).Select(Describe).Should().Equal(
            "1: Insert 1, left 3, Update 4, Delete 5",
            "2: Insert 2, Update 3",
            "3: Insert 1, Insert 2, Update 3, Update 4, Delete 5");
    }

    private static string Describe(GroupChanges delivery) =>
        $"{delivery.Group.Id}: {string.Join(", ", delivery.Changes.Select(shaped => $"{(shaped.Shape.HasLeft ? "left" : shaped.Change.Kind)} {shaped.Change.Position.Commit.Value}"))}";

    private static void Bind(TableSubscribers table, long id, int? owner, bool leave)
    {
        var definition = new GroupDefinition { Schema = "public", Table = "todos", Event = SubscriptionEvent.All, Role = "authenticated", Leave = leave };
        var group = new SubscriberGroup(id, id, definition, claims: null);
        var policy = new TablePolicy(_relation.Oid, "public", "todos", "authenticated", PolicyKind.Open, "", [], [], [], null, false, true, null, "one");
        Predicate sight = owner is { } value ? new Equality("owner", EqualityRule.SameToken, [Encoding.UTF8.GetBytes($"{value}")]) : Constant.True;
        table.Add(group);
        table.TakeUnbound("one");
        table.Bind(group, new BoundGroup(group, policy, sight, FilterNode.Everything));
    }

    private static RowChange Change(ulong position, RowImage? old, RowImage? @new) => new(
        _relation,
        old is null ? ChangeKind.Insert : @new is null ? ChangeKind.Delete : ChangeKind.Update,
        new ChangePosition(new Lsn(position), 0),
        Xid: 745,
        new DateTime(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc),
        @new,
        old);

    private static RowImage Row(int id, int owner) => new(_relation, Encoding.UTF8.GetBytes($$"""{"id":{{id}},"owner":{{owner}}}"""));
}
