namespace Serverless.Subscriptions.Visibility;

/// <summary>What PostgreSQL says, now, of the images under way for one subscriber.</summary>
/// <param name="Matching">Images that pass policies and filter.</param>
/// <param name="Allowed">Images that pass policies, whatever the filter.</param>
/// <param name="Readable">Columns that the role may read; none where it may not even enter the schema.</param>
/// <param name="Guarded">Whether policies apply to the role.</param>
/// <param name="Policies">Names of those that do.</param>
internal sealed record Verdict(Sight Matching, Sight Allowed, IReadOnlySet<string> Readable, bool Guarded, IReadOnlyList<string> Policies);

/// <param name="Sure">Images that are seen.</param>
/// <param name="Doubtful">Images for which something failed, that would be seen had it said null instead: sending them is no leak, and not sending them no loss.</param>
/// <param name="Failed">Whether anything failed.</param>
internal sealed record Sight(IReadOnlySet<long> Sure, IReadOnlySet<long> Doubtful, bool Failed)
{
    public bool Sees(long image) => Sure.Contains(image);

    public bool MaySee(long image) => Sure.Contains(image) || Doubtful.Contains(image);
}
