using System.Globalization;

namespace Serverless.Changes;

/// <summary>
/// Where a change stands within one epoch: the LSN of its transaction's commit record, then its index in that transaction.
/// Written <c>16/B374D848:3</c>.
/// </summary>
/// <remarks>
/// Positions of different epochs cannot be compared: an LSN goes backwards after a restore or a lossy failover.
/// A transaction that is decoded again gives the same positions again, which is what repeats are recognised by.
/// </remarks>
internal readonly record struct ChangePosition(Lsn Commit, int Index) : IComparable<ChangePosition>
{
    public static bool TryParse(ReadOnlySpan<char> text, out ChangePosition position)
    {
        var colon = text.IndexOf(':');
        if (colon > 0
            && Lsn.TryParse(text[..colon], out var commit)
            && int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            position = new ChangePosition(commit, index);
            return true;
        }

        position = default;
        return false;
    }

    public int CompareTo(ChangePosition other)
    {
        var byCommit = Commit.CompareTo(other.Commit);
        return byCommit != 0 ? byCommit : Index.CompareTo(other.Index);
    }

    public static bool operator <(ChangePosition left, ChangePosition right) => left.CompareTo(right) < 0;

    public static bool operator >(ChangePosition left, ChangePosition right) => left.CompareTo(right) > 0;

    public static bool operator <=(ChangePosition left, ChangePosition right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ChangePosition left, ChangePosition right) => left.CompareTo(right) >= 0;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Commit}:{Index}");
}
