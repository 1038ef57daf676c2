using Serverless.Changes;
using Serverless.Subscriptions.Matching;

namespace Serverless.Subscriptions.FanOut;

/// <summary>A group that may have to be told of a change, while that is being found out.</summary>
/// <param name="change">The place of the change in its batch.</param>
/// <param name="image">The row image that its filter and policies are judged on.</param>
/// <param name="isBefore">Whether that is the row before an update, to find out whether the row has left the group's sight.</param>
internal sealed class Candidate(BoundGroup bound, int change, RowImage image, bool isBefore)
{
    public BoundGroup Bound { get; } = bound;

    public int Change { get; } = change;

    public RowImage Image { get; } = image;

    public bool IsBefore { get; } = isBefore;

    /// <summary>Whether the filter has to be asked of PostgreSQL.</summary>
    public bool MustAskFilter { get; init; }

    /// <summary>Whether the policies have to be asked of PostgreSQL.</summary>
    public bool MustAskPolicy { get; init; }

    /// <summary>A delete that no policy could be judged on, and that is told all the same because the operator wants Supabase's behaviour.</summary>
    public bool IsUnverified { get; init; }

    /// <summary>The whole row before an update, where the policies have still to be asked whether the group may see it.</summary>
    public RowImage? AskedOld { get; init; }

    /// <summary>Whether the group may see the row before an update.</summary>
    public bool SeesOld { get; set; }

    /// <summary>Whether it has failed at any step.</summary>
    public bool IsOut { get; set; }
}
