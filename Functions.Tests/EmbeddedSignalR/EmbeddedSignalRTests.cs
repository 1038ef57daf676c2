using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Serverless.Delivery;
using Serverless.Support;

namespace Serverless.EmbeddedSignalR;

/// <summary>The service inside the app: its own port, events by calls, settings that are checked.</summary>
public sealed class EmbeddedSignalRTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task With_a_port_of_its_own_clients_connect_there_and_nothing_else_is_served_there()
    {
        var port = FreePort();
        await using var app = await StartAsync(new() { ["EmbeddedSignalR:Port"] = $"{port}" }, new Recorder());
        var delivery = app.Services.GetRequiredService<IRealtimeDelivery>();

        var access = await delivery.GrantAccessAsync("ann", new Uri("https://app.example"), TimeSpan.FromMinutes(1), _none);
        access.Url.Should().Be($"http://127.0.0.1:{port}/client/?hub=realtime");
        await using var client = await HubClient.ConnectAsync(access.Url, access.AccessToken);
        await delivery.SendToUserAsync("ann", "note", "[1]"u8.ToArray(), _none);
        (await client.NextAsync("note", _limit))[0].GetInt32().Should().Be(1);

        using var http = new HttpClient();
        (await http.GetAsync($"http://127.0.0.1:{port}/hello")).StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await http.GetAsync($"{app.Urls.Single()}/hello")).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var start = async () => await StartAsync(new() { ["EmbeddedSignalR:Port"] = $"{port}" }, new Recorder());
        (await start.Should().ThrowAsync<InvalidOperationException>()).WithMessage($"EmbeddedSignalR:Port {port} cannot be listened on*");
    }

    [Fact]
    public async Task Events_are_told_by_calls_in_order()
    {
        var recorder = new Recorder();
        await using var app = await StartAsync([], recorder);
        var delivery = app.Services.GetRequiredService<IRealtimeDelivery>();
        var access = await delivery.GrantAccessAsync("ann", new Uri(app.Urls.Single()), TimeSpan.FromMinutes(1), _none);
        access.Url.Should().Be($"{app.Urls.Single()}/client/?hub=realtime");

        var client = await HubClient.ConnectAsync(access.Url, access.AccessToken);
        await client.DisposeAsync();

        (await recorder.NextAsync()).Should().Be($"connected ann {client.ConnectionId}");
        (await recorder.NextAsync()).Should().Be($"disconnected ann {client.ConnectionId}");
    }

    [Theory]
    [InlineData("Realtime:Hub", "Real Time", "Realtime:Hub")]
    [InlineData("EmbeddedSignalR:Port", "70000", "EmbeddedSignalR:Port")]
    [InlineData("EmbeddedSignalR:PendingBytes", "1", "EmbeddedSignalR:PendingBytes")]
    public async Task A_wrong_setting_stops_the_start(string key, string value, string named)
    {
        var start = async () => await StartAsync(new() { [key] = value }, new Recorder());
        (await start.Should().ThrowAsync<OptionsValidationException>()).WithMessage($"*{named}*");
    }

    [Theory]
    [InlineData("AzureSignalRConnectionString", "Endpoint=https://a.example;AuthType=azure", "*not supported yet*")]
    [InlineData("AzureSignalRConnectionString:serviceUri", "https://a.example", "*not supported yet*")]
    public async Task An_identity_in_place_of_a_key_is_refused_clearly(string key, string value, string message)
    {
        var start = async () => await StartAsync(new() { [key] = value }, new Recorder());
        (await start.Should().ThrowAsync<Exception>()).WithMessage(message);
    }

    [Fact]
    public async Task A_process_of_its_own_needs_an_upstream_that_is_an_address()
    {
        var start = () => SignalRProcess.StartAsync("--EmbeddedSignalR:Upstream=localhost/{event}");
        (await start.Should().ThrowAsync<OptionsValidationException>()).WithMessage("*EmbeddedSignalR:Upstream must be an http or https address*");
    }

    [Fact]
    public void A_process_of_its_own_needs_a_key()
    {
        var build = () => EmbeddedSignalRProcess.Build(["--EmbeddedSignalR:AccessKey=short"]);
        build.Should().Throw<OptionsValidationException>().WithMessage("*EmbeddedSignalR:AccessKey must have at least 32 characters*");
    }

    private static async Task<WebApplication> StartAsync(Dictionary<string, string?> settings, IConnectionEvents listener)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(settings);
        builder.AddDelivery();
        builder.AddEmbeddedSignalR();
        builder.Services.AddSingleton(listener);
        var app = builder.Build();
        app.MapEmbeddedSignalR();
        app.MapGet("/hello", () => "hello");
        await app.StartAsync();
        return app;
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private sealed class Recorder : IConnectionEvents
    {
        private readonly Channel<string> _events = Channel.CreateUnbounded<string>();

        public Task OnConnectedAsync(string userId, string connectionId, CancellationToken cancellationToken) =>
            _events.Writer.WriteAsync($"connected {userId} {connectionId}", cancellationToken).AsTask();

        public Task OnDisconnectedAsync(string userId, string connectionId, CancellationToken cancellationToken) =>
            _events.Writer.WriteAsync($"disconnected {userId} {connectionId}", cancellationToken).AsTask();

        public async Task<string> NextAsync()
        {
            using var limit = new CancellationTokenSource(_limit);
            return await _events.Reader.ReadAsync(limit.Token);
        }
    }
}
