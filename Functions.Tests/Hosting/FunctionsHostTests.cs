using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Serverless.Hosting;

public sealed class FunctionsHostTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Without_its_variable_there_is_no_host(string? value) => From(value).IsPresent.Should().BeFalse();

    [Fact]
    public void Its_port_is_what_the_variable_says() => From("7073").Should().Be(new FunctionsHost(7073));

    [Theory]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData(" 80")]
    [InlineData("http")]
    public void Anything_but_a_port_stops_the_start(string value) => FluentActions.Invoking(() => From(value))
        .Should().Throw<OptionsValidationException>().WithMessage($"FUNCTIONS_CUSTOMHANDLER_PORT is '{value}', expected a port from 1 to 65535.*");

    [Theory]
    [InlineData("127.0.0.1", 7073, true)]
    [InlineData("::1", 7073, true)]
    [InlineData("127.0.0.1", 8080, false)]
    [InlineData("10.0.0.7", 7073, false)]
    [InlineData(null, 7073, false)]
    public void Only_this_machine_on_that_port_is_the_host(string? remote, int localPort, bool expected)
    {
        var connection = new DefaultHttpContext().Connection;
        connection.RemoteIpAddress = remote is null ? null : IPAddress.Parse(remote);
        connection.LocalPort = localPort;
        From("7073").IsCaller(connection).Should().Be(expected);
    }

    private static FunctionsHost From(string? value) => FunctionsHost.From(
        new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create(FunctionsHost.PortVariable, value)]).Build());
}
