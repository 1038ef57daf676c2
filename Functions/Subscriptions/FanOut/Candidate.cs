using Serverless.Changes;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Matching;

namespace Serverless.Subscriptions.FanOut;

/// <summary>A group that may have to be told of a change, while that is being found out.</summary>
/// <param name="image">The row image that its filter and policies are judged on.</param>
/// <param name="isBefore">Whether that is the row before an update, to find out whether the row has left the group's sight.</param>
internal sealed class Candidate(BoundGroup bound, int change, RowImage image, bool isBefore, Truth truth)
{
    public BoundGroup Bound { get; } = bound;

    /// <summary>The place of the change in its batch.</summary>
    public int Change { get; } = change;

    public RowImage Image { get; } = image;

    public bool IsBefore { get; } = isBefore;

    /// <summary>Whether the filter, or what of the policies is known in memory, has still to be asked of PostgreSQL.</summary>
    public bool MustAskFilter { get; } = truth == Truth.Ask;

    /// <summary>Whether it has failed at any step.</summary>
    public bool IsOut { get; set; }

    /// <summary>Whether the policies let the group see the row before an update.</summary>
    public bool SeesOld { get; set; }

    /// <summary>A delete that no policy could be judged on, and that is told all the same because the operator wants Supabase's behaviour.</summary>
    public bool IsUnverified { get; init; }
}
