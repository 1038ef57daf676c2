using Serverless.ChangeLog;
using Serverless.Changes;

namespace Serverless.Subscriptions.FanOut;

/// <summary>What this process last sent to each group from one partition, so that each message can name its predecessor.</summary>
/// <remarks>
/// It knows of groups only while this process is the partition's one sender. When another has sent in between, or an attempt of ours failed half-way,
/// they are forgotten, and what is named is the position up to which everything was sent, to whomever: a receiver that has not come as far itself cannot
/// know whether something of it was lost on the way, and checks.
/// </remarks>
internal sealed class PartitionMemory
{
    private const int MaxEntries = 1_000_000;

    private readonly Dictionary<(long Group, string Schema, string Table), ChangePosition> _last = [];
    private string? _epoch;
    private ChangePosition? _sent;
    private ChangePosition _floor;

    /// <summary>Whether the partition's recorded state is the one this process left, so that what is known still holds.</summary>
    public bool Continues(string epoch, PartitionState? state, Guid instance) =>
        _sent is not null && epoch == _epoch && state?.Sender == instance && state.Sent == _sent && state.Epoch == epoch;

    /// <summary>Begins anew.</summary>
    /// <param name="floor">What was sent before it is unknown, and nothing was sent after it but what now comes again.</param>
    public void Begin(string epoch, ChangePosition floor)
    {
        Forget();
        (_epoch, _floor) = (epoch, floor);
    }

    public ChangePosition PreviousOf(GroupChanges changes) => _last.TryGetValue(KeyOf(changes), out var position) ? position : _floor;

    /// <summary>Records what each group was sent last.</summary>
    public void Advance(IReadOnlyList<GroupChanges> deliveries)
    {
        if (_last.Count + deliveries.Count > MaxEntries)
        {
            _last.Clear();
            _floor = _sent ?? _floor;
        }

        foreach (var delivery in deliveries)
        {
            _last[KeyOf(delivery)] = delivery.Changes[^1].Change.Position;
        }
    }

    /// <summary>Records that the batch up to <paramref name="sent"/> has gone out whole.</summary>
    public void Reach(ChangePosition sent) => _sent = sent;

    /// <summary>Makes the next batch begin anew.</summary>
    public void Forget()
    {
        _last.Clear();
        _sent = null;
    }

    private static (long Group, string Schema, string Table) KeyOf(GroupChanges changes) =>
        (changes.Group.Id, changes.Relation.Schema, changes.Relation.Name);
}
