namespace Serverless.Changes;

/// <summary>Takes changes off the bus.</summary>
internal interface IChangeSink
{
    /// <summary>Handles batches of one partition, in order. Returns when they are logged and sent.</summary>
    /// <remarks>
    /// A partition's batches arrive one call after another, but a call may repeat or overlap what an earlier one, here or in another
    /// process, has handled. An exception means that nothing is settled: the caller gives the same batches again.
    /// </remarks>
    Task HandleAsync(string partition, IReadOnlyList<ChangeBatch> batches, CancellationToken cancellationToken);
}
