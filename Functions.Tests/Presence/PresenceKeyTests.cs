namespace Serverless.Presence;

public sealed class PresenceKeyTests
{
    [Theory]
    [InlineData("ada")]
    [InlineData("proto")]
    [InlineData("Constructor")]
    [InlineData("ünï çødé 🐘")]
    [InlineData("a key with \"quotes\" and \\")]
    public void A_name_is_taken(string key) => PresenceKey.Check(key).Should().BeNull();

    [Theory]
    [InlineData("__proto__")]
    [InlineData("constructor")]
    [InlineData("toString")]
    [InlineData("hasOwnProperty")]
    [InlineData("line\nbreak")]
    [InlineData("\u0000")]
    [InlineData("\u0085")]
    [InlineData("")]
    public void A_name_that_clients_stumble_over_is_not(string key) => PresenceKey.Check(key)!.Code.Should().Be("InvalidPresenceKey");

    [Fact]
    public void It_has_at_most_255_characters()
    {
        PresenceKey.Check(new string('x', 255)).Should().BeNull();
        PresenceKey.Check(new string('x', 256))!.Message.Should().Contain("256").And.Contain("255");
    }
}
