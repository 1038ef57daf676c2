using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Serverless.Support;

/// <summary>An authentication service's address for its keys, on a port of its own. It answers as the test says, well or badly.</summary>
internal sealed class JwksServer : IAsyncDisposable
{
    public const string Path = "/.well-known/jwks.json";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly CancellationTokenSource _end = new();
    private volatile Func<HttpContext, Task> _answer = context => context.Response.WriteAsync("""{"keys":[]}""");
    private int _requests;

    private JwksServer(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.Single() + Path);

    /// <summary>How often keys were asked for.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public static async Task<JwksServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var server = new JwksServer(builder.Build());
        server._app.Run(server.AnswerAsync);
        await server._app.StartAsync();
        return server;
    }

    public void Publish(params SigningKey[] keys) => Answer(SigningKey.SetOf(keys));

    public void Answer(string body, int status = StatusCodes.Status200OK) => Answer(context =>
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(body, context.RequestAborted);
    });

    public void Answer(Func<HttpContext, Task> answer) => _answer = answer;

    /// <summary>Takes requests and never answers them.</summary>
    public void Hang() => Answer(_ => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _end.Token));

    /// <summary>Completes with a request that nobody has waited for yet.</summary>
    public async Task ArrivedAsync() => (await _arrived.WaitAsync(_limit)).Should().BeTrue("a request was expected");

    /// <summary>From now on nobody listens at the address.</summary>
    public async Task StopAsync()
    {
        await _end.CancelAsync();
        await _app.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _app.DisposeAsync();
        _end.Dispose();
        _arrived.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _requests);
        _arrived.Release();
        try
        {
            await _answer(context);
        }
        catch (OperationCanceledException)
        {
            // Who asked has gone, or the test is over.
        }
    }
}
