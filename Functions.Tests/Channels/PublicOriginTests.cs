using Microsoft.AspNetCore.Http;
using Serverless.Calls;

namespace Serverless.Channels;

public sealed class PublicOriginTests
{
    [Theory]
    [InlineData("localhost:5000")]
    [InlineData("app.example.com")]
    [InlineData("my_app:8080")]
    [InlineData("127.0.0.1:1")]
    [InlineData("[::1]:65535")]
    [InlineData("xn--bcher-kva.example")]
    public void A_request_names_its_origin(string host) =>
        PublicOrigin.Of(Request(host), setting: null).AbsoluteUri.Should().Be($"https://{host}/");

    [Theory]
    [InlineData("")]
    [InlineData("xn--")]
    [InlineData("a..b")]
    [InlineData("a:99999")]
    [InlineData("a/b")]
    [InlineData("me@a")]
    public void One_that_names_none_is_told_of_the_setting(string host) =>
        FluentActions.Invoking(() => PublicOrigin.Of(Request(host), setting: null))
            .Should().Throw<RefusedCallException>().Which.Answer.Message.Should().Contain("Realtime__PublicUrl");

    [Fact]
    public void The_setting_decides_whatever_the_request_says() =>
        PublicOrigin.Of(Request("xn--"), "https://app.example.com").AbsoluteUri.Should().Be("https://app.example.com/");

    private static HttpRequest Request(string host)
    {
        var request = new DefaultHttpContext().Request;
        request.Scheme = "https";
        request.Headers.Host = host;
        return request;
    }
}
