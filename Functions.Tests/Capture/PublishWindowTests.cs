using Serverless.Changes;

namespace Serverless.Capture;

/// <summary>How far may be confirmed, interleaving by interleaving.</summary>
public sealed class PublishWindowTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    private readonly PublishWindow _window = new(maxBatches: 2, maxBytes: 100);

    [Fact]
    public void Idle_all_that_was_received_may_be_confirmed()
    {
        Commit(10);

        _window.Confirmable(new Lsn(15)).Should().Be(new Lsn(15));
        _window.Confirmable(new Lsn(5)).Should().Be(new Lsn(10));
    }

    [Fact]
    public void Within_a_transaction_only_the_commit_before_it_may_be()
    {
        Commit(10);
        _window.BeginTransaction();

        _window.Confirmable(new Lsn(15)).Should().Be(new Lsn(10));
    }

    [Fact]
    public async Task A_piece_of_a_transaction_that_is_done_confirms_nothing_of_it()
    {
        Commit(10);
        _window.BeginTransaction();
        var piece = _window.Open();
        _window.Track(piece, bytes: 1, Task.CompletedTask);
        await _window.WaitForRoomAsync(bytes: 1, CancellationToken.None);

        _window.Confirmable(new Lsn(15)).Should().Be(new Lsn(10));
    }

    [Fact]
    public void An_open_batch_holds_its_transaction_back_whatever_commits_after_it()
    {
        Commit(10);
        _window.BeginTransaction();
        _window.Open();
        _window.EndTransaction(new Lsn(20));
        Commit(30);

        _window.Confirmable(new Lsn(35)).Should().Be(new Lsn(10));
    }

    [Fact]
    public async Task The_earliest_unfinished_batch_decides_and_not_the_last_that_was_done()
    {
        Commit(10);
        var early = Publish(commitEnd: 20);
        var late = Publish(commitEnd: 30);

        late.SetResult();
        await WaitForRoomAsync();
        _window.Confirmable(new Lsn(35)).Should().Be(new Lsn(10));

        early.SetResult();
        await _window.WaitForRoomAsync(bytes: 100, CancellationToken.None).WaitAsync(_limit);
        _window.Confirmable(new Lsn(35)).Should().Be(new Lsn(35));
    }

    [Fact]
    public async Task A_batch_that_fails_ends_the_session_and_is_never_confirmed()
    {
        Commit(10);
        Publish(commitEnd: 20).SetException(new IOException("gone"));

        await _window.Failed.WaitAsync(_limit).Awaiting(failed => failed).Should().ThrowAsync<IOException>();
        _window.Confirmable(new Lsn(25)).Should().Be(new Lsn(10));
    }

    [Fact]
    public async Task There_is_room_for_so_many_batches_and_bytes_and_always_for_one()
    {
        await _window.WaitForRoomAsync(bytes: 1000, CancellationToken.None).WaitAsync(_limit);
        var first = Publish(commitEnd: 10, bytes: 60);
        _window.WaitForRoomAsync(bytes: 41, CancellationToken.None).IsCompleted.Should().BeFalse();
        _window.WaitForRoomAsync(bytes: 40, CancellationToken.None).IsCompleted.Should().BeTrue();
        Publish(commitEnd: 20, bytes: 1);

        var room = _window.WaitForRoomAsync(bytes: 1, CancellationToken.None);
        room.IsCompleted.Should().BeFalse();
        first.SetResult();
        await room.WaitAsync(_limit);
    }

    private void Commit(ulong end)
    {
        _window.BeginTransaction();
        _window.EndTransaction(new Lsn(end));
    }

    private TaskCompletionSource Publish(ulong commitEnd, long bytes = 1)
    {
        _window.BeginTransaction();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _window.Track(_window.Open(), bytes, done.Task);
        _window.EndTransaction(new Lsn(commitEnd));
        return done;
    }

    private Task WaitForRoomAsync() => _window.WaitForRoomAsync(bytes: 1, CancellationToken.None).WaitAsync(_limit);
}
