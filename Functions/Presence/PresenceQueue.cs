using System.Text;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Serverless.Presence;

/// <summary>Changes of this instance's callers, one topic's in order and gathered: whatever waits when the topic's turn comes is one statement and one diff.</summary>
/// <remarks>
/// A topic is worked on from its first change that waits until none does. A session's later change takes the place of its earlier one that still waits. Who waits is answered when the change is committed and
/// its diff was handed over, so that nothing is left to do after the answer.
/// </remarks>
internal sealed class PresenceQueue(PresenceTurns turns, PresenceSender sender, IOptions<PresenceOptions> options, TimeProvider time) : IDisposable
{
    /// <summary>The most changes that are gathered.</summary>
    public const int MostChanges = 500;

    private const int MostBytes = 256 * 1024;
    private const int MostWaiting = 20_000;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<PresenceTopic, Queue<Waiting>> _topics = [];
    private readonly SemaphoreSlim _room = new(MostWaiting);

    /// <summary>Changes what a session is on a topic.</summary>
    /// <returns>Whether it was done, or why not.</returns>
    public async Task<ChangeOutcome> ChangeAsync(PresenceTopic topic, PresenceWish wish, CancellationToken cancellationToken)
    {
        await _room.WaitAsync(cancellationToken);
        try
        {
            return await Add(topic, wish).WaitAsync(cancellationToken);
        }
        finally
        {
            _room.Release();
        }
    }

    public void Dispose() => _room.Dispose();

    private Task<ChangeOutcome> Add(PresenceTopic topic, PresenceWish wish)
    {
        var waiting = new Waiting(wish);
        bool isFirst;
        lock (_lock)
        {
            isFirst = !_topics.TryGetValue(topic, out var queue);
            if (queue is null)
            {
                _topics.Add(topic, queue = new Queue<Waiting>());
            }

            queue.Enqueue(waiting);
        }

        if (isFirst)
        {
            _ = Task.Run(() => WorkAsync(topic));
        }

        return waiting.Done.Task;
    }

    private async Task WorkAsync(PresenceTopic topic)
    {
        do
        {
            await ServeAsync(topic);
        }
        while (HasMore(topic));
    }

    private async Task ServeAsync(PresenceTopic topic)
    {
        IReadOnlyList<Waiting> taken = [];
        try
        {
            using var limit = new CancellationTokenSource(_limit, time);
            ChangeResult result;
            await using (var turn = await turns.TakeAsync(topic, limit.Token))
            {
                taken = Take(topic);
                result = await turn.ChangeAsync(LastOfEach(taken), options.Value, limit.Token);
                if (result.Change is { } change && await sender.TrySendAsync(topic, change))
                {
                    await turn.EndToldAsync(change.Previous, change.Version, CancellationToken.None);
                }
            }

            foreach (var waiting in taken)
            {
                waiting.Done.SetResult(result.Refused.GetValueOrDefault(waiting.Wish.Session, ChangeOutcome.Committed));
            }
        }
        catch (Exception ex)
        {
            // Whatever it is, nobody may wait for ever.
            var told = ex is OperationCanceledException ? new NpgsqlException("The topic's presence could not be changed in time.", ex) : ex;
            foreach (var waiting in taken.Count > 0 ? taken : Take(topic))
            {
                waiting.Done.TrySetException(told);
            }
        }
    }

    private List<Waiting> Take(PresenceTopic topic)
    {
        var taken = new List<Waiting>();
        var bytes = 0;
        lock (_lock)
        {
            var queue = _topics[topic];
            while (taken.Count < MostChanges && queue.TryPeek(out var next) && (taken.Count == 0 || bytes + next.Bytes <= MostBytes))
            {
                bytes += next.Bytes;
                taken.Add(queue.Dequeue());
            }
        }

        return taken;
    }

    private bool HasMore(PresenceTopic topic)
    {
        lock (_lock)
        {
            if (_topics[topic].Count > 0)
            {
                return true;
            }

            _topics.Remove(topic);
            return false;
        }
    }

    private static List<PresenceWish> LastOfEach(IReadOnlyList<Waiting> taken)
    {
        var last = new Dictionary<Guid, PresenceWish>();
        foreach (var waiting in taken)
        {
            last[waiting.Wish.Session] = waiting.Wish;
        }

        return [.. last.Values];
    }

    private sealed class Waiting(PresenceWish wish)
    {
        public PresenceWish Wish { get; } = wish;

        public int Bytes { get; } = wish.Meta is null ? 0 : Encoding.UTF8.GetByteCount(wish.Meta);

        public TaskCompletionSource<ChangeOutcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
