using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>By which keys an index finds a predicate. Of a conjunction any part serves.</summary>
/// <param name="KeyPart">The predicate whose keys are used, itself or a part of it; null where every image must be judged.</param>
/// <param name="Rest">What a fitting key leaves open; null for nothing.</param>
/// <param name="MayRepeat">Whether several of the keys can fit one image.</param>
internal readonly record struct Placement(Predicate? KeyPart, Predicate? Rest, bool MayRepeat)
{
    /// <param name="load">How many predicates a key finds already. Of the parts that equal keys find, the one with the least crowded keys is taken.</param>
    public static Placement For(Predicate predicate, Func<EqualKey, int> load)
    {
        if (predicate.Keys is not { Count: > 0 } keys)
        {
            return new(predicate.Keys is null ? null : predicate, predicate, MayRepeat: false);
        }

        var parts = new List<Predicate>();
        Flatten(predicate, parts);
        var part = parts.Where(IsFoundByEqualKeys).MinBy(part => part.Keys!.Sum(key => 1L + load((EqualKey)key)));
        return part is null
            ? new(predicate, predicate, SeveralMayFit(keys))
            : new(part, RestOf(predicate, parts, part), SeveralMayFit(part.Keys!));
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

    private static bool IsFoundByEqualKeys(Predicate part) => part.Keys is { } keys && keys.All(key => key is EqualKey);

    // A fitting equal key is the whole truth of an equality, and of nothing else that is known here.
    private static Predicate? RestOf(Predicate predicate, List<Predicate> parts, Predicate found)
    {
        if (found is not Equality)
        {
            return predicate;
        }

        var rest = parts.FindAll(part => !ReferenceEquals(part, found));
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
