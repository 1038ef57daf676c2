using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Serverless.Delivery.AzureSignalR;

namespace Serverless.Delivery;

/// <summary>How the REST side takes failures of the service, which here answers what the test tells it to.</summary>
public sealed class DataPlaneClientTests : IAsyncLifetime
{
    private readonly AzureSignalROptions _options = new() { RetryAfter = TimeSpan.FromMilliseconds(1) };
    private readonly Queue<Func<HttpContext, Task>> _answers = new();
    private WebApplication _service = null!;
    private int _calls;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _service = builder.Build();
        _service.Run(context =>
        {
            Interlocked.Increment(ref _calls);
            return _answers.Count > 1 ? _answers.Dequeue()(context) : _answers.Peek()(context);
        });
        await _service.StartAsync();
    }

    public async Task DisposeAsync() => await _service.DisposeAsync();

    [Theory]
    [InlineData(400, DeliveryError.Rejected)]
    [InlineData(413, DeliveryError.Rejected)]
    [InlineData(415, DeliveryError.Rejected)]
    [InlineData(401, DeliveryError.Unauthorized)]
    [InlineData(403, DeliveryError.Unauthorized)]
    public async Task A_failure_that_will_not_pass_is_told_at_once(int status, object error)
    {
        Answer(status);
        (await FailAsync()).Error.Should().Be((DeliveryError)error);
        _calls.Should().Be(1);
    }

    [Theory]
    [InlineData(408)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_failure_that_may_pass_is_tried_a_few_times(int status)
    {
        Answer(status);
        (await FailAsync()).Error.Should().Be(DeliveryError.Transient);
        _calls.Should().Be(_options.Attempts);
    }

    [Fact]
    public async Task A_call_succeeds_when_a_later_try_does()
    {
        Answer(503);
        Answer(429);
        Answer(202);
        (await CallAsync()).Should().BeTrue();
        _calls.Should().Be(3);
    }

    [Fact]
    public async Task Not_found_means_that_nobody_is_there()
    {
        Answer(404);
        (await CallAsync()).Should().BeFalse();
    }

    [Fact]
    public async Task A_wait_that_is_too_long_to_sit_out_is_the_callers()
    {
        _answers.Enqueue(context =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "30";
            return Task.CompletedTask;
        });
        (await FailAsync()).RetryAfter.Should().Be(TimeSpan.FromSeconds(30));
        _calls.Should().Be(1);
    }

    [Fact]
    public async Task No_answer_in_time_is_transient()
    {
        _options.CallTimeout = TimeSpan.FromMilliseconds(50);
        _options.Attempts = 1;
        _answers.Enqueue(context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted));
        (await FailAsync()).Error.Should().Be(DeliveryError.Transient);
    }

    [Fact]
    public async Task A_service_that_cannot_be_reached_is_transient()
    {
        await _service.StopAsync();
        _options.Attempts = 1;
        (await FailAsync()).Error.Should().Be(DeliveryError.Transient);
    }

    [Fact]
    public async Task The_callers_own_cancellation_is_not_a_failure_of_the_service()
    {
        using var cancellation = new CancellationTokenSource();
        _answers.Enqueue(async context =>
        {
            await cancellation.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        });
        var call = () => CallAsync(cancellation.Token);
        await call.Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task No_more_calls_are_under_way_than_allowed()
    {
        _options.MaxConcurrentCalls = 2;
        var underWay = 0;
        var most = 0;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var two = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _answers.Enqueue(async _ =>
        {
            var now = Interlocked.Increment(ref underWay);
            InterlockedMax(ref most, now);
            if (now == 2)
            {
                two.TrySetResult();
            }

            await release.Task;
            Interlocked.Decrement(ref underWay);
        });
        using var client = Client();
        var calls = Enumerable.Range(0, 10).Select(_ => CallAsync(client, CancellationToken.None)).ToArray();
        await two.Task.WaitAsync(TimeSpan.FromSeconds(10));
        release.SetResult();
        await Task.WhenAll(calls);
        most.Should().Be(2);
    }

    [Fact]
    public async Task An_error_names_no_group_and_no_token()
    {
        Answer(400);
        (await FailAsync()).Message.Should().Contain("send to a group").And.Contain("400").And.NotContain("a-secret-group").And.NotContain("Bearer");
    }

    [Fact]
    public void Waits_double_and_are_shortened_by_up_to_half()
    {
        var waits = new RetryWaits(new Random(1));
        for (var attempt = 1; attempt <= 6; attempt++)
        {
            var full = TimeSpan.FromMilliseconds(100 * (1 << (attempt - 1)));
            waits.After(attempt, TimeSpan.FromMilliseconds(100)).Should().BeGreaterThanOrEqualTo(full / 2).And.BeLessThanOrEqualTo(full);
        }
    }

    private void Answer(int status) => _answers.Enqueue(context =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    });

    private async Task<DeliveryException> FailAsync()
    {
        var call = () => CallAsync();
        return (await call.Should().ThrowAsync<DeliveryException>()).Which;
    }

    private async Task<bool> CallAsync(CancellationToken cancellationToken = default)
    {
        using var client = Client();
        return await CallAsync(client, cancellationToken);
    }

    private static Task<bool> CallAsync(DataPlaneClient client, CancellationToken cancellationToken) =>
        client.CallAsync(HttpMethod.Post, "/api/hubs/realtime/groups/a-secret-group/:send", "", "{}"u8.ToArray(), "send to a group", cancellationToken);

    private DataPlaneClient Client() => new(
        SignalRConnection.Parse($"Endpoint={_service.Urls.Single()};AccessKey=k"),
        Options.Create(_options),
        new RetryWaits(new Random(1)),
        TimeProvider.System,
        NullLogger<DataPlaneClient>.Instance);

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen)
        {
        }
    }
}
