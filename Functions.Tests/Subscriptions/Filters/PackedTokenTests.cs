using System.Text;

namespace Serverless.Subscriptions.Filters;

public sealed class PackedTokenTests
{
    [Theory]
    [InlineData("1", "1 ")]
    [InlineData("\"0a8f36c1-0000-4000-8000-00000000000b\"", "\"0A8F36C1-0000-4000-8000-00000000000B\"")]
    [InlineData("\"0a8f36c1-0000-4000-8000-00000000000b\"", "\"0a8f36c1-0000-4000-8000-00000000000c\"")]
    [InlineData("\"0a8f36c1-0000-4000-8000-00000000000b\"", "'0a8f36c1-0000-4000-8000-00000000000b'")]
    public void Different_tokens_never_pack_alike(string one, string other)
    {
        PackedToken.TryPack(Encoding.UTF8.GetBytes(one), out var first).Should().BeTrue();

        (PackedToken.TryPack(Encoding.UTF8.GetBytes(other), out var second) && second == first).Should().BeFalse();
    }

    [Theory]
    [InlineData("1")]
    [InlineData("\"sixteen bytes!\"")]
    [InlineData("a\0b")]
    [InlineData("\"0a8f36c1-2b3d-4e5f-8071-92a3b4c5d6e7\"")]
    [InlineData("\"00000000-0000-0000-0000-000000000000\"")]
    public void A_packed_token_is_read_back_as_it_was(string token)
    {
        PackedToken.TryPack(Encoding.UTF8.GetBytes(token), out var packed).Should().BeTrue();

        Encoding.UTF8.GetString(packed.Unpack(new byte[PackedToken.MaxTokenLength])).Should().Be(token);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\"seventeen bytes\"")]
    [InlineData("\"0a8f36c12b3d4e5f807192a3b4c5d6e7\"")]
    public void What_does_not_fit_is_not_packed(string token) => PackedToken.TryPack(Encoding.UTF8.GetBytes(token), out _).Should().BeFalse();
}
