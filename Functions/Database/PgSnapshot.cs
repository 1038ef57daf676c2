using System.Globalization;

namespace Serverless.Database;

/// <summary>Which transactions a statement saw: PostgreSQL's <c>pg_snapshot</c>, read from its text <c>xmin:xmax:xip,xip</c>.</summary>
/// <remarks>Source: PostgreSQL manual, section 9.26, table "Snapshot Components".</remarks>
internal sealed class PgSnapshot
{
    private readonly HashSet<ulong> _inProgress;

    private PgSnapshot(ulong xmin, ulong xmax, ulong[] inProgress)
    {
        Xmin = xmin;
        Xmax = xmax;
        InProgress = inProgress;
        _inProgress = [.. inProgress];
    }

    /// <summary>Every transaction before this one was over.</summary>
    public ulong Xmin { get; }

    /// <summary>No transaction from this one on was over.</summary>
    public ulong Xmax { get; }

    /// <summary>Those in between that were still running.</summary>
    public ulong[] InProgress { get; }

    public static PgSnapshot Parse(string text)
    {
        var parts = text.Split(':');
        if (parts.Length != 3)
        {
            throw new FormatException($"'{text}' is not a pg_snapshot; expected xmin:xmax:xip_list.");
        }

        var inProgress = parts[2].Length == 0 ? [] : parts[2].Split(',').Select(Number).ToArray();
        return new PgSnapshot(Number(parts[0]), Number(parts[1]), inProgress);
    }

    /// <summary>Whether a transaction that is known to have committed is visible to this snapshot.</summary>
    /// <param name="xid">The low 32 bits of its id, as the replication stream carries it. It must be less than two billion transactions away.</param>
    public bool Sees(uint xid)
    {
        var full = Extend(xid);
        return full < Xmin || (full < Xmax && !_inProgress.Contains(full));
    }

    private ulong Extend(uint xid)
    {
        // The difference as a signed number picks the nearer of the two epochs around xmax.
        var distance = unchecked((int)(xid - (uint)Xmax));
        return (ulong)((long)Xmax + distance);
    }

    private static ulong Number(string text) => ulong.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
