using Serverless.Changes;

namespace Serverless.ChangeLog;

/// <summary>How far a partition has come in one epoch.</summary>
/// <param name="Logged">The last change that the log holds, whoever wrote it.</param>
/// <param name="Sent">The last change whose batch was sent to the end; null when that is not known.</param>
/// <param name="Sender">The instance that sent it.</param>
internal sealed record PartitionState(string Epoch, ChangePosition Logged, ChangePosition? Sent, Guid? Sender);
