namespace Serverless.Delivery;

public sealed class UpstreamSignatureTests
{
    // printf 'connection-1' | openssl dgst -sha256 -hmac 'the-key'
    private const string Known = "sha256=117cfefc45baba080cd940a36175e1b37a0b2118a96c70ae414fda30974fc8e0";

    private readonly UpstreamSignature _signature = new("the-key");

    [Fact]
    public void A_signature_is_the_HMAC_of_the_connection_id() =>
        UpstreamSignature.Compute("the-key", "connection-1").Should().Be(Known);

    [Theory]
    [InlineData(Known)]
    [InlineData("sha256=0000000000000000000000000000000000000000000000000000000000000000," + Known)]
    [InlineData("sha256=xx, " + Known)]
    public void One_right_signature_among_several_is_enough(string header) =>
        _signature.IsBy("connection-1", header).Should().BeTrue();

    [Fact]
    public void Case_does_not_matter() =>
        _signature.IsBy("connection-1", Known.ToUpperInvariant()).Should().BeTrue();

    [Theory]
    [InlineData("")]
    [InlineData("sha256=")]
    [InlineData("sha256=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("sha1=0000000000000000000000000000000000000000000000000000000000000000")]
    public void No_right_signature_is_not_enough(string header) =>
        _signature.IsBy("connection-1", header).Should().BeFalse();

    [Fact]
    public void A_signature_is_for_one_connection_and_one_key()
    {
        _signature.IsBy("connection-2", Known).Should().BeFalse();
        new UpstreamSignature("another-key").IsBy("connection-1", Known).Should().BeFalse();
        new UpstreamSignature(accessKey: null).IsBy("connection-1", Known).Should().BeFalse();
    }
}
