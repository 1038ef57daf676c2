namespace Serverless.Changes;

public sealed class ChangePositionTests
{
    [Theory]
    [InlineData("0/0:0")]
    [InlineData("16/B374D848:3")]
    [InlineData("FFFFFFFF/FFFFFFFF:2147483647")]
    public void A_position_survives_its_text_form(string text)
    {
        ChangePosition.TryParse(text, out var position).Should().BeTrue();
        position.ToString().Should().Be(text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0/0")]
    [InlineData("0:0")]
    [InlineData("/0:0")]
    [InlineData("0/:0")]
    [InlineData("0/123456789:0")]
    [InlineData("0/0:-1")]
    [InlineData("0/0:2147483648")]
    [InlineData("0/G:0")]
    [InlineData("0x1/0:0")]
    public void Other_text_is_not_a_position(string text) =>
        ChangePosition.TryParse(text, out _).Should().BeFalse();

    [Theory]
    [InlineData("0/FFFFFFFF:9", "1/0:0")]
    [InlineData("0/1:9", "0/2:0")]
    [InlineData("0/2:9", "0/2:10")]
    public void Commits_come_before_indexes_and_both_compare_as_numbers(string lower, string higher)
    {
        ChangePosition.TryParse(lower, out var first).Should().BeTrue();
        ChangePosition.TryParse(higher, out var second).Should().BeTrue();
        (first < second).Should().BeTrue();
        (first >= second).Should().BeFalse();
    }
}
