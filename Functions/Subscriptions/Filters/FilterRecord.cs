namespace Serverless.Subscriptions.Filters;

/// <summary>How one filter on one table has fared when PostgreSQL was asked about it. Used by the one who handles the table's changes.</summary>
/// <param name="mayRest">False of what several groups share: that it is slow for a row which one of them sees must not show in what the others get.</param>
internal sealed class FilterRecord(FilterWatch watch, bool mayRest = true)
{
    /// <summary>No bound on how many may be asked about together with it.</summary>
    public const int NeverSlow = int.MaxValue;

    private long _restsSince;

    public FilterWatch Watch { get; } = watch;

    /// <summary>Whether it was answered in time when last asked about.</summary>
    public bool IsProven { get; private set; }

    /// <summary>How many may be asked about together with it: half of what last took too long, down to itself alone. So the search for the slow one goes on from batch to batch.</summary>
    public int MostTogether { get; private set; } = NeverSlow;

    /// <summary>How often it took too long by itself.</summary>
    public int Strikes { get; private set; }

    /// <summary>When it was last asked about, so that those who waited longest come first.</summary>
    public long AskedAt { get; private set; }

    /// <summary>How long it is still not to be asked about; zero or less where it may be.</summary>
    public TimeSpan Rest => Strikes == 0 ? TimeSpan.Zero : FilterWatch.RestAfter(Strikes) - Watch.Time.GetElapsedTime(_restsSince);

    public void WasAnswered()
    {
        IsProven = true;
        MostTogether = NeverSlow;
        AskedAt = Watch.Time.GetTimestamp();
    }

    /// <summary>It took too long, alone or with others.</summary>
    public void TookTooLong(int together)
    {
        IsProven = false;
        MostTogether = Math.Max(1, together / 2);
        AskedAt = Watch.Time.GetTimestamp();
        if (together == 1 && mayRest)
        {
            Strikes = Strikes > 0 && Watch.IsForgiven(_restsSince) ? 1 : Strikes + 1;
            _restsSince = AskedAt;
        }
    }
}
