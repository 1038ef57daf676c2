using System.Text;

namespace Serverless.EmbeddedSignalR;

public sealed class OutgoingQueueTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    private readonly List<OutgoingMessage> _written = [];
    private readonly SemaphoreSlim _mayWrite = new(0);

    [Fact]
    public async Task Messages_added_while_one_is_written_follow_in_order()
    {
        var queue = Queue(maxBytes: 10_000);
        OutgoingMessage[] sent = [Message(10), Message(10), Message(10)];
        foreach (var message in sent)
        {
            queue.TryAdd(message, out _).Should().BeTrue();
        }

        _mayWrite.Release(3);
        await Support.Eventually.HoldsAsync(() => Written().Count == 3);
        Written().Should().Equal(sent);
    }

    [Fact]
    public void More_than_the_bound_closes_the_queue()
    {
        var queue = Queue(maxBytes: 1_000);
        queue.TryAdd(Message(600), out _).Should().BeTrue();
        queue.TryAdd(Message(600), out _).Should().BeFalse();
        queue.TryAdd(Message(600), out var room).Should().BeTrue("a closed queue takes what comes and drops it");
        room.Should().BeNull();
    }

    [Fact]
    public void One_message_alone_may_be_larger_than_the_bound() =>
        Queue(maxBytes: 1_000).TryAdd(Message(5_000), out _).Should().BeTrue();

    [Fact]
    public async Task Room_comes_when_less_than_half_of_the_bound_waits()
    {
        var queue = Queue(maxBytes: 1_000);
        queue.TryAdd(Message(300), out var none);
        none.Should().BeNull();
        queue.TryAdd(Message(300), out var room);
        room!.IsCompleted.Should().BeFalse();

        _mayWrite.Release();
        await room.WaitAsync(_limit);
    }

    [Fact]
    public async Task Nobody_waits_for_a_client_that_lags_until_it_has_caught_up()
    {
        var queue = Queue(maxBytes: 1_000);
        queue.TryAdd(Message(600), out var room);
        queue.NoteLag();
        await room!.WaitAsync(_limit);
        queue.TryAdd(Message(50), out var second);
        second.Should().BeNull();

        _mayWrite.Release(2);
        await Support.Eventually.HoldsAsync(() => Written().Count == 2);
        queue.TryAdd(Message(600), out var third);
        third.Should().NotBeNull();
    }

    [Fact]
    public async Task A_write_that_fails_closes_the_queue_and_is_told()
    {
        var failed = new TaskCompletionSource<Exception>();
        var queue = new OutgoingQueue(_ => throw new IOException("gone"), failed.SetResult, 1_000);
        queue.TryAdd(Message(10), out _).Should().BeTrue();
        (await failed.Task.WaitAsync(_limit)).Should().BeOfType<IOException>();
    }

    [Fact]
    public async Task Concurrent_senders_each_keep_their_order()
    {
        var queue = Queue(maxBytes: int.MaxValue);
        _mayWrite.Release(4_000);
        var senders = Enumerable.Range(0, 4).Select(_ => Enumerable.Range(0, 1_000).Select(_ => Message(10)).ToArray()).ToArray();
        await Task.WhenAll(senders.Select(messages => Task.Run(() => Array.ForEach(messages, message => queue.TryAdd(message, out _)))));
        await Support.Eventually.HoldsAsync(() => Written().Count == 4_000);

        foreach (var messages in senders)
        {
            var own = messages.ToHashSet();
            Written().Where(own.Contains).Should().Equal(messages);
        }
    }

    private OutgoingQueue Queue(int maxBytes) => new(WriteAsync, _ => { }, maxBytes);

    private async ValueTask WriteAsync(OutgoingMessage message)
    {
        await _mayWrite.WaitAsync();
        lock (_written)
        {
            _written.Add(message);
        }
    }

    private List<OutgoingMessage> Written()
    {
        lock (_written)
        {
            return [.. _written];
        }
    }

    private static OutgoingMessage Message(int bytes) =>
        OutgoingMessage.Invocation("t", Encoding.UTF8.GetBytes($"[\"{new string('x', bytes)}\"]"));
}
