using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Serverless.Delivery;
using Serverless.Support;

namespace Serverless.EmbeddedSignalR;

/// <summary>What an app hears over HTTP of clients who come and go.</summary>
public sealed class UpstreamEventsTests : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly Channel<(string Path, Dictionary<string, string> Headers, string Body)> _events =
        Channel.CreateUnbounded<(string Path, Dictionary<string, string> Headers, string Body)>();

    private WebApplication _app = null!;
    private SignalRProcess _service = null!;
    private int _status = StatusCodes.Status200OK;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            var headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
            await _events.Writer.WriteAsync((context.Request.Path, headers, await body.ReadToEndAsync()));
            context.Response.StatusCode = _status;
        });
        await _app.StartAsync();
        _service = await SignalRProcess.StartAsync($"--EmbeddedSignalR:Upstream={_app.Urls.Single()}/events/{{hub}}/{{category}}/{{event}}");
    }

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task Connected_and_disconnected_are_posted_in_order_and_signed()
    {
        var client = await _service.ConnectAsync("ann");
        var connected = await NextAsync();
        await client.DisposeAsync();
        var disconnected = await NextAsync();

        connected.Path.Should().Be("/events/realtime/connections/connected");
        connected.Body.Should().Be("""{"type":10}""");
        disconnected.Path.Should().Be("/events/realtime/connections/disconnected");
        disconnected.Body.Should().Be("""{"type":11,"error":null}""");
        foreach (var headers in new[] { connected.Headers, disconnected.Headers })
        {
            headers["X-ASRS-Connection-Id"].Should().Be(client.ConnectionId);
            headers["X-ASRS-Hub"].Should().Be("realtime");
            headers["X-ASRS-Category"].Should().Be("connections");
            headers["X-ASRS-User-Id"].Should().Be("ann");
            headers["Content-Type"].Should().StartWith("application/json");
            new UpstreamSignature(SignalRProcess.AccessKey).IsBy(client.ConnectionId, headers["X-ASRS-Signature"]).Should().BeTrue();
            headers.Values.Should().NotContain(value => value.Contains("access_token", StringComparison.Ordinal));
        }

        _service.Log.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task A_connection_that_the_app_refuses_is_closed()
    {
        _status = StatusCodes.Status403Forbidden;
        await using var client = await _service.ConnectAsync("ann");
        (await client.Closed.WaitAsync(_limit)).Should().Contain("refused");
        await Eventually.HoldsAsync(() => _service.Log.Entries.Any(entry => entry.Id.Id == 4505));
    }

    [Fact]
    public async Task A_connection_lives_on_when_the_app_cannot_be_reached()
    {
        await _app.StopAsync();
        await using var client = await _service.ConnectAsync("ann");
        await Eventually.HoldsAsync(() => _service.Log.Entries.Any(entry => entry.Id.Id == 4504));
        client.Closed.IsCompleted.Should().BeFalse();
    }

    private async Task<(string Path, Dictionary<string, string> Headers, string Body)> NextAsync()
    {
        using var limit = new CancellationTokenSource(_limit);
        return await _events.Reader.ReadAsync(limit.Token);
    }
}
