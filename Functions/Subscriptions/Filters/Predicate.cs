using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>A condition on a row image, ready to be evaluated: a filter, a policy that could be reduced, or both together.</summary>
/// <remarks>
/// Immutable and safe for many threads. Two predicates with the same <see cref="Text"/> are the same predicate.
/// A column that the image lacks is not null: <see cref="Columns"/> must all be there before <see cref="Evaluate"/> means anything.
/// </remarks>
internal abstract class Predicate
{
    /// <summary>Canonical text, for comparing and for explaining; holds values, so it is never logged. Made anew at each call, so that a million predicates do not keep it.</summary>
    public abstract string Text { get; }

    /// <summary>The columns it reads, each once.</summary>
    public abstract IReadOnlyCollection<string> Columns { get; }

    /// <summary>
    /// Where an index may find it: whenever it is true of an image, by <see cref="Evaluate"/> or when asked, at least one of these keys fits the image. Null where nothing of the kind
    /// is known, and the predicate must be evaluated for every image; empty where it can never be true. Made anew at each call.
    /// </summary>
    public abstract IReadOnlyList<IndexKey>? Keys { get; }

    public abstract Truth Evaluate(RowImage image);

    /// <summary>Whether the image carries every column that the predicate reads.</summary>
    public bool CanJudge(RowImage image)
    {
        foreach (var column in Columns)
        {
            if (!image.Has(image.Relation.OrdinalOf(column)))
            {
                return false;
            }
        }

        return true;
    }
}
