namespace Serverless.Subscriptions.Filters;

public sealed class FilterParserTests
{
    [Theory]
    [InlineData("id=eq.1", "id Equal [1]")]
    [InlineData("a=eq.1,b=eq.2", "all(a Equal [1], b Equal [2])")]
    [InlineData(" a=eq.1 , b=eq.2 ", "all(a Equal [1], b Equal [2])")]
    [InlineData("name=eq.\"a,b\",id=eq.2", "all(name Equal [a,b], id Equal [2])")]
    [InlineData("name=eq.\"say \\\"x\\\" \\\\\"", "name Equal [say \"x\" \\]")]
    [InlineData("name=eq.f(a,b),id=eq.2", "all(name Equal [f(a,b)], id Equal [2])")]
    [InlineData("name=eq.\"open", "name Equal [\"open]")]
    [InlineData("name=eq.\"a\"b", "name Equal [\"a\"b]")]
    [InlineData("name=eq.", "name Equal []")]
    [InlineData("name=eq.\"\"", "name Equal []")]
    [InlineData("name=eq.a=b.c", "name Equal [a=b.c]")]
    [InlineData("name=eq.)x,b=eq.1", "all(name Equal [)x], b Equal [1])")]
    [InlineData("at=eq.2026-01-01T00:00:00.5Z", "at Equal [2026-01-01T00:00:00.5Z]")]
    [InlineData("größe=eq.ß", "größe Equal [ß]")]
    [InlineData("a=neq.1,b=lt.1,c=lte.1,d=gt.1,e=gte.1", "all(a NotEqual [1], b Less [1], c LessOrEqual [1], d Greater [1], e GreaterOrEqual [1])")]
    [InlineData("a=like.a%*_,b=ilike.A%", "all(a Like [a%*_], b ILike [A%])")]
    [InlineData("a=match.^(a,b),b=imatch.x", "all(a Match [^(a,b)], b IMatch [x])")]
    [InlineData("a=isdistinct.null", "a IsDistinct [null]")]
    [InlineData("a=is.null,b=is.NULL,c=is.true,d=is.unknown", "all(a Is [null], b Is [null], c Is [true], d Is [unknown])")]
    [InlineData("a=not.eq.1", "not(a Equal [1])")]
    [InlineData("a=not.is.null", "not(a Is [null])")]
    [InlineData("a=eq.not.eq.1", "a Equal [not.eq.1]")]
    public void Conditions_are_read(string filter, string expected) => Describe(FilterParser.Parse(filter)).Should().Be(expected);

    [Theory]
    [InlineData("id=in.(1,2,3)", "id In [1|2|3]")]
    [InlineData("id=in.( 1 , 2 )", "id In [1|2]")]
    [InlineData("id=in.()", "id In []")]
    [InlineData("n=in.(a,\"b,c\",\"d)\"),id=eq.1", "all(n In [a|b,c|d)], id Equal [1])")]
    [InlineData("n=in.(a, \"b,c\" ,d)", "n In [a|b,c|d]")]
    [InlineData("n=in.(\"\",a\"b)", "n In [|a\"b]")]
    [InlineData("n=not.in.(\"x\\\"y\")", "not(n In [x\"y])")]
    public void Lists_are_read(string filter, string expected) => Describe(FilterParser.Parse(filter)).Should().Be(expected);

    [Theory]
    [InlineData("or=(a.eq.1,b.gt.2)", "any(a Equal [1], b Greater [2])")]
    [InlineData("and=(a.eq.1,b.gt.2)", "all(a Equal [1], b Greater [2])")]
    [InlineData("not.or=(a.eq.1,b.gt.2)", "not(any(a Equal [1], b Greater [2]))")]
    [InlineData("not.and=(a.not.eq.1)", "not(all(not(a Equal [1])))")]
    [InlineData("c=eq.0,or=(a.eq.1, and(b.gt.2,b.lt.9) ,not.or(d.is.null,not.and(e.in.(1,2))))", "all(c Equal [0], any(a Equal [1], all(b Greater [2], b Less [9]), not(any(d Is [null], not(all(e In [1|2]))))))")]
    [InlineData("or=(a.eq.\"x,y)\",b.eq.f(1,2),c.eq.{1,2})", "any(a Equal [x,y)], b Equal [f(1,2)], c Equal [{1,2}])")]
    [InlineData("or=(\"a.b\".eq.1,\"c,d\".eq.2,\"e\\\"f\".eq.3)", "any(a.b Equal [1], c,d Equal [2], e\"f Equal [3])")]
    [InlineData("or=(at.gt.2026-01-01T00:00:00.5Z)", "any(at Greater [2026-01-01T00:00:00.5Z])")]
    [InlineData("or=eq.1,and=in.(1)", "all(or Equal [1], and In [1])")]
    [InlineData("or=(or.eq.1,and.eq.2,not.eq.3)", "any(or Equal [1], and Equal [2], not Equal [3])")]
    public void Groups_are_read(string filter, string expected) => Describe(FilterParser.Parse(filter)).Should().Be(expected);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    public void Nothing_is_no_filter(string? filter) => Describe(FilterParser.Parse(filter)).Should().Be("all()");

    [Theory]
    [InlineData("id", "'id'")]
    [InlineData("id=1", "'id=1'")]
    [InlineData("=eq.1", "'=eq.1'")]
    [InlineData("id.eq.1", "'id.eq.1'")]
    [InlineData("a=eq.1,,b=eq.2", "empty condition")]
    [InlineData("a=eq.1,", "empty condition")]
    [InlineData("id=equals.1", "'equals'")]
    [InlineData("id=not.not.eq.1", "'not'")]
    [InlineData("id=EQ.1", "'EQ'")]
    [InlineData("id=in.1,2", "'id=in.1'")]
    [InlineData("id=in.(1", "list in parentheses")]
    [InlineData("id=is.yes", "null, true, false or unknown")]
    [InlineData("or=(a.eq.1", "does not end")]
    [InlineData("or=(a.eq.1)x", "does not end")]
    [InlineData("or=(a.eq.1))", "does not end")]
    [InlineData("or=()", "in a group is not a condition")]
    [InlineData("or=(a.eq.1,)", "in a group is not a condition")]
    [InlineData("or=(a=eq.1)", "'a=eq.1' cannot be read")]
    [InlineData("or=(and=(a.eq.1))", "without '='")]
    public void A_mistake_is_named(string filter, string named) =>
        FluentActions.Invoking(() => FilterParser.Parse(filter)).Should().Throw<SubscriptionException>().WithMessage($"*{named}*").Which.Code.Should().Be("InvalidFilter");

    [Fact]
    public void Length_number_and_depth_are_bounded()
    {
        Refused("a=eq." + new string('x', 1_000_000), "*8192*");
        Refused(string.Join(',', Enumerable.Repeat("a=eq.1", 101)), "*101*");
        Refused($"or=({string.Join(',', Enumerable.Repeat("a.eq.1", 101))})", "*101*");
        Refused($"a=in.({string.Join(',', Enumerable.Repeat("1", 101))})", "*101 values*");
        Refused("or=" + Nested(11), "*10 deep*");
        FilterParser.Parse("or=" + Nested(10)).Conditions.Should().ContainSingle();
        FilterParser.Parse($"a=in.({string.Join(',', Enumerable.Repeat("1", 100))})").Conditions.Should().ContainSingle();
    }

    [Fact]
    public void No_text_takes_more_than_an_error_to_refuse()
    {
        var random = new Random(3);
        const string alphabet = "\"\\(),.{}=ab1 ";
        string[] starts = ["", "or=(", "a=in.(", "or=(a.eq.", "not.and=(or("];
        for (var i = 0; i < 20_000; i++)
        {
            var text = starts[random.Next(starts.Length)] + string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => alphabet[random.Next(alphabet.Length)]));
            try
            {
                FilterParser.Parse(text);
            }
            catch (SubscriptionException)
            {
                // Refused with a message, which is all that is asked here.
            }
        }
    }

    private static string Nested(int depth) => "(" + string.Concat(Enumerable.Repeat("or(", depth - 1)) + "a.eq.1" + new string(')', depth);

    private static void Refused(string filter, string message) =>
        FluentActions.Invoking(() => FilterParser.Parse(filter)).Should().Throw<SubscriptionException>().WithMessage(message);

    private static string Describe(FilterSyntax syntax) => syntax switch
    {
        AllSyntax all => $"all({string.Join(", ", all.Parts.Select(Describe))})",
        AnySyntax any => $"any({string.Join(", ", any.Parts.Select(Describe))})",
        NotSyntax not => $"not({Describe(not.Part)})",
        ConditionSyntax condition => $"{condition.Column} {condition.Operator} [{string.Join('|', condition.Values)}]",
        _ => "?",
    };
}
