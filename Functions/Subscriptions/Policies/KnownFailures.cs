using System.Collections.Concurrent;

namespace Serverless.Subscriptions.Policies;

/// <summary>Remembers which claim sets a statement failed for, after long waits, so that the next batch does not begin with the same.</summary>
/// <remarks>For a second after the first time, and twice as long after each further one, up to a minute. Then the claim set is asked again, after all others.</remarks>
internal sealed class KnownFailures(TimeProvider time)
{
    private const int MaxRemembered = 10_000;

    private static readonly TimeSpan _firstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestWait = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(string Statement, string Claims), Known> _known = new();

    /// <summary>Whether the claim set has failed before and is not among those that are asked first.</summary>
    /// <param name="failure">What it failed with, where it is too early to ask it again.</param>
    public bool Has(string statement, string claims, out PolicyFailure? failure)
    {
        failure = null;
        if (!_known.TryGetValue((statement, claims), out var known))
        {
            return false;
        }

        failure = time.GetElapsedTime(known.Since) < known.Wait ? known.Failure : null;
        return true;
    }

    public void Add(string statement, string claims, PolicyFailure failure)
    {
        if (_known.Count >= MaxRemembered)
        {
            _known.Clear();
        }

        var now = time.GetTimestamp();
        _known.AddOrUpdate(
            (statement, claims),
            _ => new Known(failure, now, _firstWait),
            (_, known) => new Known(failure, now, known.Wait * 2 < _longestWait ? known.Wait * 2 : _longestWait));
    }

    public void Remove(string statement, string claims) => _known.TryRemove((statement, claims), out _);

    private readonly record struct Known(PolicyFailure Failure, long Since, TimeSpan Wait);
}
