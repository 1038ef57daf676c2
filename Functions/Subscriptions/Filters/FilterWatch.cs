using System.Security.Cryptography;
using System.Text;

namespace Serverless.Subscriptions.Filters;

/// <summary>Bounds what filters that PostgreSQL is asked about may take from everybody else on their tables.</summary>
/// <remarks>
/// Changes wait while filters are asked about, whoever's they are. So time that is lost to slow ones is drawn from one allowance of the process: <see cref="Burst"/> at once, and
/// from then on a tenth of the time that passes. A filter that took too long by itself rests, and twice as long each time; one that was never answered yet waits while the allowance is
/// used up. What is not asked is not sent, and its subscribers are told.
/// </remarks>
internal sealed class FilterWatch(TimeProvider time)
{
    public static readonly TimeSpan Burst = TimeSpan.FromSeconds(3);

    private const double Share = 0.1;
    private const int MaxRemembered = 10_000;

    private static readonly TimeSpan _firstRest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _longestRest = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan _forgiven = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<(uint Table, string Filter, long Group), FilterRecord> _records = [];
    private TimeSpan _left = Burst;
    private long _leftAt = time.GetTimestamp();

    public TimeProvider Time => time;

    /// <summary>What may still be lost to slow filters now. Below zero where more was lost than was allowed.</summary>
    public TimeSpan Left
    {
        get
        {
            lock (_lock)
            {
                return Refill();
            }
        }
    }

    /// <summary>What is known of a filter on a table: the same for as long as it is remembered, however often its groups are bound.</summary>
    /// <param name="group">The one group that is asked about; null where it is asked for several together, and then it never rests.</param>
    public FilterRecord Of(uint table, string filter, long? group)
    {
        var key = (table, Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(filter)).AsSpan(0, 16)), group ?? 0);
        lock (_lock)
        {
            if (_records.TryGetValue(key, out var known))
            {
                return known;
            }

            if (_records.Count >= MaxRemembered)
            {
                ForgetSome();
            }

            return _records[key] = new FilterRecord(this, mayRest: group is not null);
        }
    }

    public void Spend(TimeSpan lost)
    {
        lock (_lock)
        {
            _left = Refill() - lost;
        }
    }

    /// <summary>How long a filter rests that has taken too long so many times.</summary>
    public static TimeSpan RestAfter(int strikes) => TimeSpan.FromTicks(Math.Min(_firstRest.Ticks << Math.Clamp(strikes - 1, 0, 20), _longestRest.Ticks));

    /// <summary>Whether a filter has been in time for so long that earlier failures no longer count.</summary>
    public bool IsForgiven(long since) => time.GetElapsedTime(since) > _forgiven;

    private TimeSpan Refill()
    {
        var now = time.GetTimestamp();
        var gained = time.GetElapsedTime(_leftAt, now) * Share;
        _leftAt = now;
        return _left = _left + gained < Burst ? _left + gained : Burst;
    }

    // First those with nothing against them, which lose no more than their good name; then whatever is there, since nothing may grow without end.
    private void ForgetSome()
    {
        foreach (var (key, _) in _records.Where(pair => pair.Value.Strikes == 0).ToList())
        {
            _records.Remove(key);
        }

        if (_records.Count >= MaxRemembered)
        {
            _records.Clear();
        }
    }
}
