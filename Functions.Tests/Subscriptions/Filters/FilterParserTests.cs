namespace Serverless.Subscriptions.Filters;

public sealed class FilterParserTests
{
    [Theory]
    [InlineData("id=eq.1", "id|1")]
    [InlineData("a=eq.1,b=eq.2", "a|1", "b|2")]
    [InlineData(" a=eq.1 , b=eq.2 ", "a|1", "b|2")]
    [InlineData("name=eq.\"a,b\",id=eq.2", "name|a,b", "id|2")]
    [InlineData("name=eq.\"say \\\"x\\\" \\\\\"", "name|say \"x\" \\")]
    [InlineData("name=eq.f(a,b),id=eq.2", "name|f(a,b)", "id|2")]
    [InlineData("name=eq.\"open", "name|\"open")]
    [InlineData("name=eq.\"a\"b", "name|\"a\"b")]
    [InlineData("name=eq.", "name|")]
    [InlineData("name=eq.\"\"", "name|")]
    [InlineData("name=eq.a=b.c", "name|a=b.c")]
    [InlineData("name=eq.)x,b=eq.1", "name|)x", "b|1")]
    [InlineData("at=eq.2026-01-01T00:00:00.5Z", "at|2026-01-01T00:00:00.5Z")]
    [InlineData("größe=eq.ß", "größe|ß")]
    public void Conditions_are_read(string filter, params string[] expected) =>
        FilterParser.Parse(filter).Select(condition => $"{condition.Column}|{condition.Value}").Should().Equal(expected);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    public void Nothing_is_no_filter(string? filter) => FilterParser.Parse(filter).Should().BeEmpty();

    [Theory]
    [InlineData("id", "id")]
    [InlineData("id=1", "id=1")]
    [InlineData("=eq.1", "=eq.1")]
    [InlineData("id.eq.1", "id.eq.1")]
    [InlineData("a=eq.1,,b=eq.2", "empty condition")]
    [InlineData("a=eq.1,", "empty condition")]
    [InlineData("id=gt.1", "'gt'")]
    [InlineData("id=not.eq.1", "'not'")]
    public void A_mistake_is_named(string filter, string named) =>
        FluentActions.Invoking(() => FilterParser.Parse(filter)).Should().Throw<SubscriptionException>().WithMessage($"*{named}*").Which.Code.Should().Be("InvalidFilter");

    [Fact]
    public void Length_and_number_are_bounded()
    {
        FluentActions.Invoking(() => FilterParser.Parse("a=eq." + new string('x', 1_000_000))).Should().Throw<SubscriptionException>().WithMessage("*8192*");
        FluentActions.Invoking(() => FilterParser.Parse(string.Join(',', Enumerable.Repeat("a=eq.1", 101)))).Should().Throw<SubscriptionException>().WithMessage("*101*");
    }
}
