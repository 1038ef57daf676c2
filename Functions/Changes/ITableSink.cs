namespace Serverless.Changes;

/// <summary>Takes the changes of a table whose rows are not told as row changes, in the place of the subscribers.</summary>
internal interface ITableSink
{
    bool Takes(Relation relation);

    /// <summary>Handles consecutive changes in commit order. After an exception the same changes come again.</summary>
    Task HandleAsync(IReadOnlyList<RowChange> changes, CancellationToken cancellationToken);
}
