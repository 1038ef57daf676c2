using System.Text.Json;

namespace Serverless.Auth;

public sealed class ClaimsTextTests
{
    [Theory]
    [InlineData("""{"role":"anon","sub":"ünïcode 👍","nested":{"list":["\ud83d\udc4d",null,1.5,true]}}""")]
    [InlineData("""{"role":"anon","note":"a\u0000b"}""")]
    [InlineData("""{"role":"anon","sub":7}""")]
    public void Text_is_sound(string claims) => IsSound(claims).Should().BeTrue();

    [Theory]
    [InlineData("""{"role":"a\u0000"}""")]
    [InlineData("""{"role":"anon","sub":"a\u0000b"}""")]
    [InlineData("""{"role":"anon","s\u0075b":"\u0000"}""")]
    [InlineData("""{"role":"anon","sub":"\ud800"}""")]
    [InlineData("""{"role":"anon","name":"x\udc00y"}""")]
    [InlineData("""{"role":"anon","a":{"b":[1,["\udbff "]]}}""")]
    [InlineData("""{"role":"anon","a":{"\ud800":1}}""")]
    [InlineData("""{"\udfff":1,"role":"anon"}""")]
    public void What_no_text_or_no_database_can_hold_is_not(string claims) => IsSound(claims).Should().BeFalse();

    private static bool IsSound(string claims)
    {
        using var document = JsonDocument.Parse(claims);
        return ClaimsText.IsSound(document.RootElement);
    }
}
