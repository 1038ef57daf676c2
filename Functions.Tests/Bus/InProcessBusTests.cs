using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Changes;
using Serverless.Support;

namespace Serverless.Bus;

public sealed class InProcessBusTests : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly RefusingSink _sink = new();
    private readonly LeapingTime _time = new();
    private readonly LogRecorder _log = new();
    private readonly InProcessBus _bus;

    public InProcessBusTests() =>
        _bus = new InProcessBus(_sink, Options.Create(new BusOptions { Partitions = 2 }), _time, new Logger<InProcessBus>(new LoggerFactory([_log])));

    public Task InitializeAsync() => _bus.StartAsync(CancellationToken.None);

    public async Task DisposeAsync()
    {
        await _bus.StopAsync(CancellationToken.None);
        _bus.Dispose();
    }

    [Fact]
    public async Task What_is_refused_is_given_again_until_it_is_taken_and_the_next_waits()
    {
        var first = await PublishAsync(0, 1);
        var call = await _sink.NextAsync();
        var later = await Task.WhenAll(PublishAsync(0, 2), PublishAsync(0, 3));
        for (var refusal = 0; refusal < 2; refusal++)
        {
            call.Batches.Should().Equal("1");
            first.IsCompleted.Should().BeFalse("nothing is safe before it is handled");
            call.Refuse();
            call = await _sink.NextAsync();
        }

        call.Batches.Should().Equal("1");
        call.Take();
        await first.WaitAsync(_limit);

        call = await _sink.NextAsync();
        call.Batches.Should().Equal("2", "3");
        later.Should().NotContain(task => task.IsCompleted);
        call.Take();
        await Task.WhenAll(later).WaitAsync(_limit);
        _time.Waits.Should().HaveCount(2).And.BeInAscendingOrder();
    }

    [Fact]
    public async Task What_is_given_again_is_all_of_the_call_in_its_order()
    {
        var first = await PublishAsync(0, 1);
        var call = await _sink.NextAsync();
        var later = await Task.WhenAll(PublishAsync(0, 2), PublishAsync(0, 3), PublishAsync(0, 4));
        call.Take();
        for (var refusal = 0; refusal < 2; refusal++)
        {
            call = await _sink.NextAsync();
            call.Batches.Should().Equal("2", "3", "4");
            call.Refuse();
        }

        call = await _sink.NextAsync();
        call.Batches.Should().Equal("2", "3", "4");
        call.Take();
        await Task.WhenAll([first, .. later]).WaitAsync(_limit);
    }

    [Theory]
    [InlineData("57P01", "terminating connection due to administrator command")]
    [InlineData("08006", "connection failure")]
    public async Task A_server_that_goes_is_told_of_in_its_own_words_without_a_stack_trace(string state, string words)
    {
        await PublishAsync(0, 1);
        (await _sink.NextAsync()).Refuse(new PostgresException(words, "FATAL", "FATAL", state));
        (await _sink.NextAsync()).Refuse(new NpgsqlException("Exception while reading from stream", new EndOfStreamException("Attempted to read past the end of the stream.")));
        (await _sink.NextAsync()).Take();

        _log.Warnings.Should().HaveCount(2).And.NotContain(text => text.Contains("Exception") || text.Contains("   at "));
        _log.Warnings.First().Should().StartWith("HandlingFailed").And.EndWith($"{state}: {words} ");
        _log.Warnings.Last().Should().EndWith("Attempted to read past the end of the stream. ");
    }

    [Fact]
    public async Task Any_other_failure_is_logged_with_its_exception()
    {
        await PublishAsync(0, 1);
        (await _sink.NextAsync()).Refuse(new PostgresException("relation \"x\" does not exist", "ERROR", "ERROR", "42P01"));
        (await _sink.NextAsync()).Take();

        _log.Warnings.Should().ContainSingle().Which.Should().Contain("Npgsql.PostgresException").And.Contain("   at ");
    }

    [Fact]
    public async Task A_partition_whose_call_is_not_over_holds_up_no_other()
    {
        await PublishAsync(0, 1);
        var stuck = await _sink.NextAsync();
        var other = await PublishAsync(1, 2);
        var call = await _sink.NextAsync();

        call.Partition.Should().NotBe(stuck.Partition);
        call.Take();
        await other.WaitAsync(_limit);
    }

    [Fact]
    public async Task Stopping_gives_up_what_was_not_handled()
    {
        var handling = await PublishAsync(0, 1);
        var call = await _sink.NextAsync();
        var queued = await Task.WhenAll(PublishAsync(0, 2), PublishAsync(0, 3));

        await _bus.StopAsync(CancellationToken.None).WaitAsync(_limit);

        call.Partition.Should().Be("0/2");
        foreach (var task in queued.Prepend(handling))
        {
            await task.Awaiting(task => task.WaitAsync(_limit)).Should().ThrowAsync<OperationCanceledException>();
        }

        await FluentActions.Awaiting(() => PublishAsync(0, 4)).Should().ThrowAsync<ChannelClosedException>();
    }

    private Task<Task> PublishAsync(int partition, int number) =>
        _bus.PublishAsync(partition, ATodo.Inserted(number, $"{number}"), CancellationToken.None).AsTask().WaitAsync(_limit);

    /// <summary>Lets the test answer each call.</summary>
    private sealed class RefusingSink : IChangeSink
    {
        private readonly Channel<Call> _calls = Channel.CreateUnbounded<Call>();

        public Task<Call> NextAsync() => _calls.Reader.ReadAsync().AsTask().WaitAsync(_limit);

        public async Task HandleAsync(string partition, IReadOnlyList<ChangeBatch> batches, CancellationToken cancellationToken)
        {
            var call = new Call(partition, [.. batches.Select(ATodo.Title)]);
            _calls.Writer.TryWrite(call);
            await call.Answer.WaitAsync(cancellationToken);
        }
    }

    private sealed record Call(string Partition, IReadOnlyList<string> Batches)
    {
        private readonly TaskCompletionSource _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Answer => _answer.Task;

        public void Take() => _answer.SetResult();

        public void Refuse(Exception? reason = null) => _answer.SetException(reason ?? new InvalidOperationException("Refused by the test."));
    }
}
