using System.Collections.Concurrent;
using Serverless.ChangeLog;
using Serverless.Changes;
using Serverless.Subscriptions;
using Serverless.Subscriptions.Matching;

namespace Serverless.Streams;

/// <summary>One stream's subscription, and how far it has come. It is in no registry: nobody but its own stream sends to it.</summary>
internal sealed class StreamedTable
{
    private const int MaxNotices = 16;

    private static long _last;

    private readonly SubscriberGroup _group;
    private readonly ConcurrentQueue<StreamNotice> _notices = new();
    private TableSubscribers? _subscribers;
    private uint _oid;

    public StreamedTable(ResolvedSubscription resolved, ClaimSet claims, LogCursor reached)
    {
        Definition = resolved.Definition;
        Reached = reached;

        // Negative, so that it is no group's of the registry. Bound to its own claims, also where the policies cannot tell them from others.
        var id = Interlocked.Decrement(ref _last);
        _group = new SubscriberGroup(id, id, Definition, claims.Text) { Members = 1, Notified = Notify };
        foreach (var note in resolved.Notes)
        {
            _notices.Enqueue(new StreamNotice(note.IsError ? "error" : "ok", null, note.Message));
        }
    }

    public GroupDefinition Definition { get; }

    /// <summary>Every change up to here was given to the stream, or was not for it.</summary>
    public LogCursor Reached { get; set; }

    /// <summary>The table's subscribers, which are this one. They keep the policies that they were bound under from one reading to the next.</summary>
    public TableSubscribers SubscribersOf(IReadOnlyList<RowChange> changes)
    {
        // A table that was dropped and made again is another one.
        if (_subscribers is null || changes.Any(change => change.Relation.Oid != _oid))
        {
            _oid = changes[^1].Relation.Oid;
            _subscribers = new TableSubscribers();
            _subscribers.Add(_group);
        }

        return _subscribers;
    }

    /// <summary>What the client is to be told beside changes, each once.</summary>
    public IEnumerable<StreamNotice> TakeNotices()
    {
        while (_notices.TryDequeue(out var notice))
        {
            yield return notice;
        }
    }

    private void Notify(string code, string message)
    {
        if (_notices.Count < MaxNotices)
        {
            _notices.Enqueue(new StreamNotice("error", code, message));
        }
    }
}
