using System.Text;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

public sealed class LikeTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("%", "", true)]
    [InlineData("_", "", false)]
    [InlineData("_", "😀", true)]
    [InlineData("%_b", "aé😀b", true)]
    [InlineData("a%b%c", "a-b-b-c", true)]
    [InlineData("a%b%c", "a-c-b", false)]
    [InlineData("\\%", "%", true)]
    [InlineData("\\%", "a", false)]
    [InlineData("\\a", "a", true)]
    [InlineData("\\\\", "\\", true)]
    [InlineData("%%%", "x", true)]
    public void Patterns_mean_what_like_means(string pattern, string text, bool expected) =>
        LikePattern.Parse(pattern)!.Match(Encoding.UTF8.GetBytes(text), long.MaxValue).Matches.Should().Be(expected);

    [Theory]
    [InlineData("\\")]
    [InlineData("a\\\\\\")]
    public void A_lone_escape_at_the_end_is_no_pattern(string pattern) => LikePattern.Parse(pattern).Should().BeNull();

    [Fact]
    public void Postgres_is_asked_where_the_work_would_have_no_bound()
    {
        var relation = new Relation(1, "public", "t", ReplicaIdentity.Full, [new Column("c", 25, "text", false)], []);
        var json = Encoding.UTF8.GetBytes($$"""{"c":"{{new string('a', 1_000_000)}}"}""");
        new Like("c", "%" + new string('a', 1000) + "b").Evaluate(new RowImage(relation, json)).Should().Be(Truth.Ask);
        new Like("c", "%aaa").Evaluate(new RowImage(relation, json)).Should().Be(Truth.True);
    }

    [Fact]
    public void Patterns_over_one_row_share_one_bound()
    {
        var relation = new Relation(1, "public", "t", ReplicaIdentity.Full, [new Column("c", 25, "text", false)], []);
        var image = new RowImage(relation, Encoding.UTF8.GetBytes($$"""{"c":"{{new string('a', 10_000)}}"}"""));
        var patterns = Enumerable.Range(0, 500).Select(i => new Like("c", string.Concat(Enumerable.Repeat("%aaaaaaab", 90)) + i)).ToList();
        var asked = patterns.Count(pattern => pattern.Evaluate(image) == Truth.Ask);
        asked.Should().BeGreaterThan(450, "each of these takes some 80,000 steps");
        image.PatternSteps.Should().BeLessThan(1_200_000);
    }
}
