namespace Serverless.Changes;

/// <summary>Consecutive changes of one partition, packed into one bus event.</summary>
/// <param name="Epoch">
/// Names the history that the positions belong to: system identifier, timeline and generation of the slot. Where it differs from
/// an earlier batch's, positions before and after cannot be compared.
/// </param>
/// <param name="Changes">In commit order; never empty.</param>
internal sealed record ChangeBatch(string Epoch, IReadOnlyList<RowChange> Changes);
