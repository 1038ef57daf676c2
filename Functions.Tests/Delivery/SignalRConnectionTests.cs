using Serverless.Delivery.AzureSignalR;

namespace Serverless.Delivery;

public sealed class SignalRConnectionTests
{
    [Theory]
    [InlineData("Endpoint=https://a.service.signalr.net;AccessKey=k==;Version=1.0;", "https://a.service.signalr.net", "https://a.service.signalr.net")]
    [InlineData("endpoint = https://a.service.signalr.net/ ; accesskey=k==", "https://a.service.signalr.net", "https://a.service.signalr.net")]
    [InlineData("Endpoint=http://localhost;Port=8888;AccessKey=k==;Version=1.0;", "http://localhost:8888", "http://localhost:8888")]
    [InlineData(
        "Endpoint=https://a.service.signalr.net;AccessKey=k==;ClientEndpoint=https://front.example/signalr;ServerEndpoint=https://b.example:444",
        "https://front.example/signalr",
        "https://b.example:444")]
    public void A_connection_string_is_taken_apart(string text, string client, string server) =>
        SignalRConnection.Parse(text).Should().Be(new SignalRConnection(client, server, "k=="));

    [Theory]
    [InlineData("AccessKey=secret;Version=1.0", "has no Endpoint")]
    [InlineData("Endpoint=https://a.example;Version=1.0", "has no AccessKey")]
    [InlineData("Endpoint=https://a.example;AccessKey=", "has no AccessKey")]
    [InlineData("Endpoint=a.example;AccessKey=secret", "has Endpoint, which is no http or https address")]
    [InlineData("Endpoint=ftp://a.example;AccessKey=secret", "has Endpoint, which is no http or https address")]
    [InlineData("Endpoint=https://a.example;AccessKey=secret;ClientEndpoint=x", "has ClientEndpoint, which is no http")]
    [InlineData("Endpoint=https://a.example;AccessKey=secret;Port=0", "has a Port")]
    [InlineData("Endpoint=https://a.example;AccessKey=secret;Port=x", "has a Port")]
    [InlineData("Endpoint=https://a.example;AccessKey=secret;Version=2.0", "has Version=2.0")]
    [InlineData("Endpoint=https://a.example;AuthType=azure.msi;ClientId=x", "AuthType=azure.msi; an identity in place of a key is not supported yet")]
    [InlineData("Endpoint=https://a.example;AccessKey=secret;Endpoint=https://b.example", "has Endpoint twice")]
    [InlineData("Endpoint=https://a.example;secret", "has part 2, which is none of")]
    [InlineData("Endpoint=https://a.example;AccesKey=secret", "has part 2, which is none of")]
    public void What_is_wrong_is_named_and_the_key_is_not(string text, string reason)
    {
        var parse = () => SignalRConnection.Parse(text);
        parse.Should().Throw<FormatException>().Which.Message.Should().Contain(reason).And.NotContain("secret");
    }

    [Fact]
    public void A_connection_can_be_logged_without_its_key() =>
        SignalRConnection.Parse("Endpoint=https://a.example;AccessKey=secret").ToString().Should().NotContain("secret");
}
