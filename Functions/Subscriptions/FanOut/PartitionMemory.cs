using Serverless.ChangeLog;
using Serverless.Changes;

namespace Serverless.Subscriptions.FanOut;

/// <summary>What this process last sent to each group from one partition, so that each message can name its predecessor.</summary>
/// <remarks>
/// It holds only while this process is the partition's one sender. When another has sent in between, or an attempt of ours failed half-way,
/// everything is forgotten: the next messages say that they do not know, and their receivers check.
/// </remarks>
internal sealed class PartitionMemory
{
    private const int MaxEntries = 1_000_000;

    private readonly Dictionary<(long Group, string Schema, string Table), ChangePosition> _last = [];
    private string? _epoch;
    private ChangePosition? _sent;

    /// <summary>Keeps what is known if the partition's recorded state is the one this process left; forgets it otherwise.</summary>
    public void Resume(string epoch, PartitionState? state, Guid instance)
    {
        if (_sent is null || epoch != _epoch || state?.Sender != instance || state.Sent != _sent || state.Epoch != epoch)
        {
            Forget();
        }

        _epoch = epoch;
    }

    public ChangePosition? PreviousOf(GroupChanges changes) => _last.TryGetValue(KeyOf(changes), out var position) ? position : null;

    /// <summary>Records what each group was sent last.</summary>
    public void Advance(IReadOnlyList<GroupChanges> deliveries)
    {
        if (_last.Count + deliveries.Count > MaxEntries)
        {
            _last.Clear();
        }

        foreach (var delivery in deliveries)
        {
            _last[KeyOf(delivery)] = delivery.Changes[^1].Change.Position;
        }
    }

    /// <summary>Records that the batch up to <paramref name="sent"/> has gone out whole.</summary>
    public void Reach(ChangePosition sent) => _sent = sent;

    public void Forget()
    {
        _last.Clear();
        _sent = null;
    }

    private static (long Group, string Schema, string Table) KeyOf(GroupChanges changes) =>
        (changes.Group.Id, changes.Relation.Schema, changes.Relation.Name);
}
