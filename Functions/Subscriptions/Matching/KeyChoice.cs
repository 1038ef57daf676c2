using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>By which of its parts an index finds a predicate: any part of a conjunction serves, and one must.</summary>
/// <param name="Part">The part whose keys are used; null where no part has any.</param>
/// <param name="Rest">What a fitting key leaves open; null for nothing.</param>
/// <param name="MayRepeat">Whether several of the keys can fit one image.</param>
internal sealed record KeyChoice(Predicate? Part, Predicate? Rest, bool MayRepeat)
{
    private const long RangeCost = 1L << 40;

    /// <param name="load">How many predicates a key finds already. The least crowded keys are taken, any equality before any range.</param>
    public static KeyChoice For(Predicate predicate, Func<EqualKey, int> load)
    {
        var parts = new List<Predicate>();
        Flatten(predicate, parts);
        Predicate? best = null;
        IReadOnlyList<IndexKey> bestKeys = [];
        var bestCost = long.MaxValue;
        foreach (var part in parts)
        {
            if (part.Keys is { } keys && Cost(keys, load) is var cost && cost < bestCost)
            {
                (best, bestKeys, bestCost) = (part, keys, cost);
            }
        }

        return best is null ? new(null, predicate, false) : new(best, RestOf(predicate, parts, best), SeveralMayFit(bestKeys));
    }

    private static void Flatten(Predicate predicate, List<Predicate> parts)
    {
        if (predicate is AllOf all)
        {
            foreach (var part in all.Parts)
            {
                Flatten(part, parts);
            }
        }
        else
        {
            parts.Add(predicate);
        }
    }

    private static long Cost(IReadOnlyList<IndexKey> keys, Func<EqualKey, int> load)
    {
        var cost = 0L;
        foreach (var key in keys)
        {
            cost += key is EqualKey equal ? 1 + load(equal) : RangeCost;
        }

        return cost;
    }

    // A fitting equal key is the whole truth of an equality, and of nothing else that is known here.
    private static Predicate? RestOf(Predicate predicate, List<Predicate> parts, Predicate best)
    {
        if (best is not Equality)
        {
            return predicate;
        }

        var rest = parts.FindAll(part => !ReferenceEquals(part, best));
        return rest.Count switch
        {
            0 => null,
            1 => rest[0],
            _ => new AllOf(rest),
        };
    }

    // Values of one column that are each equal to the image's are the same value.
    private static bool SeveralMayFit(IReadOnlyList<IndexKey> keys) => keys.Count > 1 &&
        (keys.Any(key => key is not EqualKey) || keys.Cast<EqualKey>().Select(key => (key.Column, key.Rule)).Distinct().Skip(1).Any());
}
